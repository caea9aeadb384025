/** OpenAPI: the routes from the controllers, the schemas from the contract's tables. */
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { CALL, FEED, GAP, NOTIFICATION, QUARANTINED, SETTINGS, SOURCE, SOURCE_CHANGE } from '../../query/contract.js';
import { CHANGES_SCHEMAS } from './changes.schemas.js';
import { STATISTICS } from '../../query/statistics/contract.js';
import { RECEIVER_SCHEMAS } from './receiver.schemas.js';
import { reference, type Schema, tableSchema } from './schemas.js';

const text = (description: string): Schema => ({ type: 'string', description });

const FAULT: Schema = {
  type: 'object',
  properties: { parameter: text('Which parameter.'), reason: text('What is wrong with it.') },
  required: ['parameter', 'reason'],
};

const PROBLEM: Schema = {
  type: 'object',
  properties: {
    type: text('about:blank: the status says it all.'),
    title: text('The status in words.'),
    status: { type: 'integer' },
    detail: text('What is wrong.'),
    instance: text('Unique to this failure, and in the log of the server where the fault is ours.'),
    errors: { type: 'array', items: FAULT, description: 'Every fault of the parameters.' },
  },
  required: ['type', 'title', 'status', 'detail', 'instance'],
};

const PAGING: Schema = {
  type: 'object',
  properties: {
    nextCursor: { type: 'string', nullable: true, description: 'Where the next page begins; null on the last one.' },
  },
  required: ['nextCursor'],
};

const DETAIL: Schema = {
  type: 'object',
  properties: {
    notifications: { type: 'array', items: reference('Notification'), description: 'In order of receipt.' },
    gaps: { type: 'array', items: reference('Gap'), description: 'Whatever became of them.' },
  },
  required: ['notifications', 'gaps'],
};

const SCHEMAS: Record<string, Schema> = {
  Call: tableSchema(CALL),
  CallDetail: { allOf: [reference('Call'), DETAIL] },
  Notification: tableSchema(NOTIFICATION),
  Gap: tableSchema(GAP),
  Source: tableSchema(SOURCE),
  SourceChange: tableSchema(SOURCE_CHANGE),
  QuarantinedDatagram: tableSchema(QUARANTINED),
  Settings: tableSchema(SETTINGS),
  Feed: tableSchema(FEED),
  StatisticsRow: tableSchema(STATISTICS),
  ...CHANGES_SCHEMAS,
  ...RECEIVER_SCHEMAS,
  Paging: PAGING,
  Problem: PROBLEM,
};

/** The document of the running application. */
export function openApiOf(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('Ringledger')
    .setDescription(
      'The durable ledger of VOS3000 IVR call states. Times are ISO 8601 UTC; spans end in Ms; unknown is null.',
    )
    .setVersion('1')
    .addBearerAuth({ type: 'http', description: 'A key: ringledger keys create, or the mutation createApiKey.' }, 'key')
    .build();
  const document = SwaggerModule.createDocument(app, info, { operationIdFactory: (_controller, method) => method });
  return { ...document, components: { ...document.components, schemas: SCHEMAS } };
}

/** Serves `/openapi.json` and the page `/docs`, whose scripts come from a package and not from the internet. */
export function serveOpenApi(app: INestApplication): void {
  SwaggerModule.setup('docs', app, openApiOf(app), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}
