// A service and a client of gRPC, as people run them, without a schema: messages are bytes.

import { readFileSync } from 'node:fs';
import {
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';

const asIs = (bytes: Buffer): Buffer => bytes;

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  return {
    ...{ path: `/test.Echo/${name}`, requestStream, responseStream },
    ...{
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  };
}

export const METHODS = {
  unary: method('Unary', false, false),
  refuse: method('Refuse', false, false),
  stall: method('Stall', false, false),
  down: method('Down', false, true),
  up: method('Up', true, false),
  both: method('Both', true, true),
} as const;

/** Whatever is opened here is closed with it. */
export interface Home {
  onClose(closer: () => Promise<void>): void;
}

export interface GrpcPlace {
  readonly port: number;
  readonly host: string;
  /** The file of the certificate that is shown for the host. */
  readonly certificate: string;
}

export interface GrpcService {
  readonly address: string;
  /** Calls that were cancelled, by the server's own account. */
  cancelled(): number;
}

const ANY_SIZE = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** Answers with its name before what it was sent. */
export async function grpcService(home: Home, name: string): Promise<GrpcService> {
  const server = new Server(ANY_SIZE);
  let cancelled = 0;
  const unary: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
    const trailers = new Metadata();
    trailers.set('x-by', name);
    const head = new Metadata();
    head.set('x-told', String(call.metadata.get('x-forwarded-proto')[0]));
    call.sendMetadata(head);
    answer(null, Buffer.concat([Buffer.from(`${name}:`), call.request]), trailers);
  };
  server.addService(METHODS, {
    unary,
    refuse: (_call: unknown, answer: (error: Partial<ServiceError>) => void) =>
      answer({ code: status.FAILED_PRECONDITION, details: 'not now: ü', metadata: new Metadata() }),
    stall: (call: ServerUnaryCall<Buffer, Buffer>) => {
      call.on('cancelled', () => {
        cancelled += 1;
      });
    },
    down: (call: ServerWritableStream<Buffer, Buffer>) => {
      for (let index = 0; index < 100; index += 1) call.write(Buffer.from(`${name}${index}`));
      call.end();
    },
    up: (call: ServerReadableStream<Buffer, Buffer>, answer: (error: null, value: Buffer) => void) => {
      let size = 0;
      call.on('data', (bytes: Buffer) => {
        size += bytes.length;
      });
      call.on('end', () => answer(null, Buffer.from(String(size))));
    },
    both: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('cancelled', () => {
        cancelled += 1;
      });
      call.on('data', (bytes: Buffer) => call.write(Buffer.concat([Buffer.from(`${name}:`), bytes])));
      call.on('end', () => call.end());
    },
  } as never);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  home.onClose(async () => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, cancelled: () => cancelled };
}

export function grpcClient(
  home: Home,
  { port, host, certificate }: GrpcPlace,
  more: Readonly<Record<string, string | number>> = {},
): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(readFileSync(certificate)), {
    ...ANY_SIZE,
    ...{ 'grpc.ssl_target_name_override': host, 'grpc.default_authority': host },
    // Each test's own connections.
    'grpc.use_local_subchannel_pool': 1,
    ...more,
  });
  home.onClose(async () => client.close());
  return client;
}

export interface Reply {
  readonly error: ServiceError | null;
  readonly value: Buffer;
  readonly head: Metadata | null;
  readonly trailers: Metadata | null;
}

export interface CallOptions {
  readonly deadline?: number;
  readonly onCall?: (cancel: () => void) => void;
}

/** One message each way; a failure is an answer too. */
export function call(
  client: Client,
  { path }: MethodDefinition<Buffer, Buffer>,
  message: Buffer | string,
  { deadline, onCall }: CallOptions = {},
): Promise<Reply> {
  return new Promise((resolve) => {
    let head: Metadata | null = null;
    let reply: Omit<Reply, 'head' | 'trailers'> = { error: null, value: Buffer.alloc(0) };
    const options = deadline === undefined ? {} : { deadline };
    const running = client.makeUnaryRequest(
      path,
      asIs,
      asIs,
      Buffer.from(message),
      new Metadata(),
      options,
      (error, value) => {
        reply = { error, value: value ?? Buffer.alloc(0) };
      },
    );
    running.on('metadata', (metadata) => {
      head = metadata;
    });
    running.on('status', ({ metadata }) =>
      setImmediate(() => resolve({ ...reply, head, trailers: metadata })),
    );
    onCall?.(() => running.cancel());
  });
}
