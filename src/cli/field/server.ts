/** A running server, asked over HTTP: what the operator's commands know of it they know from here. */
import { z } from 'zod';
import { clientHeaders } from '../../config.client.js';
import { loadConfig } from '../../config.js';

/** Nobody answers, or the answer is none of ours. The message is a sentence for the operator. */
export class ServerAway extends Error {}

/** Somebody listens there and does not answer in time, as while PostgreSQL hangs. */
export class ServerSlow extends ServerAway {}

/** The server understood and said no: its reason. */
export class Refused extends Error {
  /** @param status of HTTP; null where it was no matter of HTTP */
  constructor(
    message: string,
    readonly status: number | null = null,
  ) {
    super(message);
  }

  /** No key was shown, or one that may not have this. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

const TIMEOUT_MS = 10_000;
/** What an answer lacks that the key shown may not see. */
export const MASKED = 'The bytes of datagrams are masked for this key: RINGLEDGER_KEY needs the scope numbers:clear.';

const problem = z.object({
  detail: z.string(),
  errors: z.array(z.object({ parameter: z.string(), reason: z.string() })).optional(),
});
const graphqlAnswer = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ message: z.string(), extensions: z.unknown().optional() })).optional(),
});

/** Parameters of a request; one with several values is repeated. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export class Server {
  /** @param api such as `http://127.0.0.1:3000` */
  constructor(
    readonly api: string,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {}

  /**
   * `GET` of a path such as `/api/v1/sources`.
   * @throws ServerAway, Refused
   */
  async get<T>(path: string, query: Query, schema: z.ZodType<T>): Promise<T> {
    const url = new URL(path, this.api);
    for (const [name, values] of Object.entries(query)) {
      for (const value of values === undefined ? [] : [values].flat()) url.searchParams.append(name, value);
    }
    const { status, body } = await this.ask(url, {});
    if (status === 200) return this.read(url, body, schema);
    throw refused(url, status, body);
  }

  /**
   * `GET` of what is too long to wait for, as it comes. It breaks where the connection does.
   * @throws ServerAway, Refused
   */
  async stream(path: string, query: URLSearchParams): Promise<AsyncIterable<Uint8Array>> {
    const url = new URL(`${path}?${query.toString()}`, this.api);
    // To compress for the same machine costs both ends more than it spares.
    const near = /^(localhost|127\.|\[::1\])/.test(url.hostname);
    const headers = { ...clientHeaders(), 'accept-encoding': near ? 'identity' : 'gzip' };
    const response = await fetch(url, { headers }).catch((error: unknown) => {
      throw away(url, error);
    });
    if (response.status === 200 && response.body !== null) return response.body;
    throw refused(url, response.status, await response.text());
  }

  /**
   * Readiness, which is an answer also when it is no: a 503 with the reasons.
   * @throws ServerAway
   */
  async ready<T>(schema: z.ZodType<T>): Promise<T> {
    const url = new URL('/health/ready', this.api);
    const { body } = await this.ask(url, {});
    return this.read(url, body, schema);
  }

  /**
   * A GraphQL query or mutation.
   * @throws ServerAway, Refused
   */
  async graphql<T>(query: string, variables: Readonly<Record<string, unknown>>, schema: z.ZodType<T>): Promise<T> {
    const url = new URL('/graphql', this.api);
    const headers = { 'content-type': 'application/json' };
    const { body } = await this.ask(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = this.read(url, body, graphqlAnswer);
    if (errors !== undefined) throw new Refused(errors.map(faultText).join('\n'));
    return this.check(url, data, schema);
  }

  private async ask(
    url: URL,
    init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<{ readonly status: number; readonly body: string }> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    try {
      const headers = { ...clientHeaders(), ...init.headers };
      const response = await fetch(url, { ...init, headers, signal });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      throw signal.aborted ? slow(url, this.timeoutMs) : away(url, error);
    }
  }

  private read<T>(url: URL, body: string, schema: z.ZodType<T>): T {
    try {
      return this.check(url, JSON.parse(body), schema);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new ServerAway(`${url.href} answers no JSON: something else listens there. Name its address with --api.`);
    }
  }

  private check<T>(url: URL, value: unknown, schema: z.ZodType<T>): T {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    if (issue?.message === MASKED) throw new Refused(MASKED);
    const where = issue?.path.map(String).join('.') ?? '';
    throw new ServerAway(`${url.href} answers something else than this version expects (${where}): update both sides.`);
  }
}

/** Where the configuration of this folder has it receive: `host:port`; the standard port where there is none. */
export function configuredTarget(): string {
  try {
    return `127.0.0.1:${String(loadConfig().reportPort)}`;
  } catch {
    return '127.0.0.1:8000';
  }
}

/** Where the configuration of this folder has the server listen; the standard address where there is none. */
export function configuredApi(): string {
  try {
    const { httpHost, httpPort } = loadConfig();
    const host = httpHost.includes(':') ? `[${httpHost}]` : httpHost;
    return `http://${host}:${String(httpPort)}`;
  } catch {
    return 'http://127.0.0.1:3000';
  }
}

function refused(url: URL, status: number, body: string): Refused {
  const key = status === 401 ? ' RINGLEDGER_KEY, in the environment or in .env, is what the commands show.' : '';
  return new Refused(`${url.pathname} answers ${String(status)}: ${problemText(body)}${key}`, status);
}

function slow(url: URL, timeoutMs: number): ServerSlow {
  const patience = `${String(timeoutMs / 1000)} s`;
  return new ServerSlow(
    `The server at ${url.origin} took longer than ${patience} to answer: look at its database (ringledger doctor: database).`,
  );
}

function away(url: URL, error: unknown): ServerAway {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return new ServerAway(
    `Nobody answers at ${url.origin} (${cause}). Start Ringledger there (npm start), or name its address with --api.`,
  );
}

function problemText(body: string): string {
  try {
    const { detail, errors = [] } = problem.parse(JSON.parse(body));
    return [detail, ...errors.map(({ parameter, reason }) => `${parameter} ${reason}`)].join(' ');
  } catch {
    return body.slice(0, 200);
  }
}

const faults = z.object({ errors: z.array(z.object({ parameter: z.string(), reason: z.string() })) });

/** Faults of parameters come in the extensions of an error, each with its name. */
function faultText({ message, extensions }: { readonly message: string; readonly extensions?: unknown }): string {
  const read = faults.safeParse(extensions);
  return read.success ? read.data.errors.map(({ parameter, reason }) => `${parameter} ${reason}`).join('\n') : message;
}
