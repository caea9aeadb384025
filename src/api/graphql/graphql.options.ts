import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { formatError } from './errors.js';
import { limits, TOKENS_MAX } from './limits.js';

/** How `/graphql` is served: the schema from the code, no landing page (Apollo's is loaded from the internet). */
export const GRAPHQL_OPTIONS: ApolloDriverConfig = {
  driver: ApolloDriver,
  path: '/graphql',
  autoSchemaFile: true,
  sortSchema: true,
  graphiql: false,
  introspection: true,
  includeStacktraceInErrorResponses: false,
  parseOptions: { maxLexicalTokens: TOKENS_MAX },
  plugins: [limits],
  formatError,
};
