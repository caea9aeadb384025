/** GraphiQL, a page to write queries on: its scripts come from this server, so that it works without the internet. */
import { fileURLToPath } from 'node:url';
import type { INestApplication } from '@nestjs/common';
import type { Express, Request, Response } from 'express';

const PATH = '/graphiql';
/** Put there by scripts/graphiql.mjs when the program is built. */
const FOLDER = fileURLToPath(new URL('../../generated/graphiql/', import.meta.url));
const FILES = /^(?:graphiql|(?:editor|graphql|json)\.worker)\.js$|^graphiql\.css$/;

/** As of every page (door.ts), but for the fonts its stylesheet brings along as data URLs. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Ringledger GraphiQL</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${PATH}/graphiql.css">
    <style>html, body, #graphiql { margin: 0; height: 100vh }</style>
  </head>
  <body>
    <div id="graphiql"></div>
    <noscript>GraphiQL is a program in JavaScript. Any other client can ask at /graphql.</noscript>
    <script src="${PATH}/graphiql.js"></script>
    <script src="${PATH}/start.js"></script>
  </body>
</html>
`;

const QUERY = `# Where a key has been made, show one under Headers, below:
#   { "Authorization": "Bearer rl_..." }
# It is forgotten with this page. The browser keeps queries.
# The book on the left has every field.
query LastCalls {
  calls(first: 10) {
    edges {
      node {
        callId
        state
        disposition
        dispositionBasis
        ringingAt
        talkMs
        notifications { state serial receivedAt }
        gaps { kind certainty status }
      }
    }
    feed { source status lastHeardAt }
  }
}
`;

/** Workers are scripts of this server like any other; there is one for each language that is edited. */
const START = `self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) =>
    '${PATH}/' + ({ graphql: 'graphql', json: 'json' }[label] ?? 'editor') + '.worker.js',
};
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('graphiql'), {
  title: 'Ringledger',
  endpoint: '/graphql',
  defaultQuery: ${JSON.stringify(QUERY)},
  shouldPersistHeaders: false,
});
`;

/** Serves the page at `/graphiql`. Call it before `listen`, behind the door. */
export function serveGraphiql(app: INestApplication): void {
  const express = app.getHttpAdapter().getInstance() as Express;
  express.get(PATH, (_request: Request, response: Response) => {
    response.set('Content-Security-Policy', POLICY).type('html').send(PAGE);
  });
  express.get(`${PATH}/start.js`, (_request: Request, response: Response) => {
    response.type('js').send(START);
  });
  express.get(`${PATH}/:file`, (request: Request<{ file: string }>, response: Response, next) => {
    const { file } = request.params;
    if (!FILES.test(file)) {
      next();
      return;
    }
    // 9 MB that change with the version alone: a browser keeps them and asks whether they still hold.
    response.set('Cache-Control', 'no-cache');
    response.sendFile(file, { root: FOLDER, cacheControl: false }, (error?: Error) => {
      if (error !== undefined && !response.headersSent) next(error);
    });
  });
}
