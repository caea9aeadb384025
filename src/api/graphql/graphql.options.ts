import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { formatError } from './errors.js';
import { limits, TOKENS_MAX } from './limits.js';

/** How `/graphql` is served: the schema from the code; the page to write queries on is `graphiql.ts`'s, not Apollo's, which is loaded from the internet. */
export function graphqlOptions(introspection: boolean): ApolloDriverConfig {
  return {
    driver: ApolloDriver,
    path: '/graphql',
    autoSchemaFile: true,
    sortSchema: true,
    graphiql: false,
    introspection,
    includeStacktraceInErrorResponses: false,
    // "Did you mean ...?" tells names that introspection, when it is off, does not.
    hideSchemaDetailsFromClientErrors: !introspection,
    parseOptions: { maxLexicalTokens: TOKENS_MAX },
    plugins: [limits],
    formatError,
  };
}
