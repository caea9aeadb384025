import {
  type DynamicModule,
  type FactoryProvider,
  type MiddlewareConsumer,
  Module,
  type ModuleMetadata,
  type NestModule,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { Audit } from '../access/audit.js';
import { AccessGuard, RefusalRecorder } from '../access/guard.js';
import { Keys } from '../access/keys.js';
import { AccessResolver } from './graphql/access.resolver.js';
import { graphqlOptions } from './graphql/graphql.options.js';
import { Exports } from '../query/export/exports.js';
import { SourceSettings } from '../sources/settings.js';
import { SourceSettingsResolver } from './graphql/mutations.js';
import { CallResolver, LedgerResolver } from './graphql/resolvers.js';
import { StatisticsResolver } from './graphql/statistics.resolver.js';
import { ReceiverResolver } from './graphql/receiver.resolver.js';
import { ChangesResolver } from './graphql/changes.resolver.js';
import { Following } from './following.js';
import { Reading } from './reading.js';
import { Receiving } from './receiving.js';
import { ChangesController } from './rest/changes.controller.js';
import { CallsController } from './rest/calls.controller.js';
import { ExportsController } from './rest/exports.controller.js';
import { LedgerController } from './rest/ledger.controller.js';
import { ProblemFilter } from './rest/problem.js';
import { ReceiverController } from './rest/receiver.controller.js';
import { StatisticsController } from './rest/statistics.controller.js';
import { ReadOnlyMiddleware } from './rest/read-only.middleware.js';

/** How the module comes by its {@link Reading}: made by `useFactory` from what `inject` names in `imports`. */
export interface ApiModuleOptions extends Pick<FactoryProvider<Reading>, 'inject' | 'useFactory'> {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** What takes an operator's decisions about sources. */
  readonly sourceSettings: SourceSettings;
  /** Who may ask, and the trail of what was done. The door before them is `openDoor(app)`, which needs the application. */
  readonly keys: Keys;
  readonly audit: Audit;
  readonly exports: Exports;
  /** The receiver of this process, as it is asked. */
  readonly receiving: Receiving;
  /** Whether GraphQL tells its schema to whoever asks. */
  readonly introspection: boolean;
}

/** REST and GraphQL over one {@link Reading}. OpenAPI is served by `serveOpenApi(app)`, which needs the application. */
@Module({})
export class ApiModule implements NestModule {
  static forRootAsync({
    imports = [],
    inject = [],
    useFactory,
    sourceSettings,
    receiving,
    exports,
    keys,
    audit,
    introspection,
  }: ApiModuleOptions): DynamicModule {
    return {
      module: ApiModule,
      imports: [...imports, GraphQLModule.forRoot(graphqlOptions(introspection))],
      controllers: [
        CallsController,
        ChangesController,
        ExportsController,
        LedgerController,
        ReceiverController,
        StatisticsController,
      ],
      providers: [
        { provide: Reading, inject, useFactory },
        Following,
        CallResolver,
        ChangesResolver,
        LedgerResolver,
        StatisticsResolver,
        { provide: SourceSettings, useValue: sourceSettings },
        SourceSettingsResolver,
        { provide: Exports, useValue: exports },
        { provide: Receiving, useValue: receiving },
        ReceiverResolver,
        { provide: Keys, useValue: keys },
        { provide: Audit, useValue: audit },
        AccessResolver,
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: RefusalRecorder },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
      exports: [Reading],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(ReadOnlyMiddleware).forRoutes('api/v1/{*path}', 'health/{*path}');
  }
}
