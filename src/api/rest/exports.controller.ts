import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { Controller, Logger, type OnModuleDestroy, Query, Req, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import type { Access } from '../../access/access.js';
import { By, ShowsNumbers } from '../../access/decorators.js';
import { EXPORT_QUERY, type ExportFormat } from '../../query/export/contract.js';
import { type CallExport, Exports } from '../../query/export/exports.js';
import { ReadUnavailable } from '../../query/faults.js';
import { whenClosed } from '../gone.js';
import type { Raw } from '../reading.js';
import { Reads } from './reads.decorator.js';
import { whileGood } from './while-good.js';

/** Nothing was taken, or nothing found, for so long: then the connection of whoever reads, and ours, are given up. */
const IDLE_MS = 300_000;

const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const FILE = { type: 'string', format: 'binary' } as const;

@ApiTags('exports')
@Controller('api/v1/exports')
export class ExportsController implements OnModuleDestroy {
  private readonly logger = new Logger('exports');

  constructor(private readonly exports: Exports) {}

  @ShowsNumbers()
  @ApiResponse({
    status: 200,
    description: 'The file. A transfer that ends without its last chunk was cut off: the file is not whole.',
    content: {
      'text/csv': { schema: { type: 'string' } },
      'application/x-ndjson': { schema: { type: 'string', description: 'One Call a line.' } },
      'application/gzip': { schema: FILE },
    },
  })
  @Reads('calls', {
    needs: 'export',
    summary: 'Calls as a file: everything the filters of /calls find, as of one instant.',
    query: EXPORT_QUERY,
    answer: FILE,
  })
  async exportCalls(
    @Query() query: Raw,
    @By() access: Access,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const gone = whenClosed(response);
    response.setTimeout(IDLE_MS, () => response.destroy());
    const found = await this.exports.open(access, query, gone);
    const compressed = describe(found, request, response);
    try {
      if (request.method === 'HEAD') response.end();
      else await send(whileGood(found.pieces, access), compressed, response);
    } catch (error) {
      // The status has left: whoever reads is told by a connection that breaks before the last chunk.
      response.destroy();
      if (error instanceof ReadUnavailable && !gone.aborted)
        this.logger.error(`An export was cut off: ${String(error.cause)}`);
    } finally {
      await found.close();
    }
  }

  /** Whoever stops does not wait for readers. */
  onModuleDestroy(): Promise<void> {
    return this.exports.stop();
  }
}

/** Sets the headers; returns whether the body is to be compressed. */
function describe({ format, gzip }: CallExport, request: Request, response: Response): boolean {
  const encoded = !gzip && request.acceptsEncodings(['identity', 'gzip']) === 'gzip';
  response.set({
    'Content-Type': gzip ? 'application/gzip' : TYPES[format],
    'Content-Disposition': `attachment; filename="calls.${format}${gzip ? '.gz' : ''}"`,
    Vary: 'Accept-Encoding',
    // Proxies that collect the whole of an answer first would be all that is not constant in memory.
    'X-Accel-Buffering': 'no',
  });
  if (encoded) response.set('Content-Encoding', 'gzip');
  return gzip || encoded;
}

/** Rows are fetched as fast as they are taken. */
async function send(pieces: AsyncIterable<string>, compressed: boolean, response: Response): Promise<void> {
  const text = Readable.from(pieces);
  if (!compressed) return pipeline(text, response);
  // Level 1 of 9: the rows come faster than the levels above it take them.
  return pipeline(text, createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 65_536 }), response);
}
