// The error that starting or feeding the proxy ends with. Failed requests are answers, not errors: see `errors`.

export type ProxyFailureCode = 'listen-failed' | 'table-file-invalid' | 'tls-dir-invalid' | 'worker-failed';

export class ProxyFailure extends Error {
  readonly code: ProxyFailureCode;
  readonly disposition: 'invalid' | 'transient';

  constructor(code: ProxyFailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProxyFailure';
    this.code = code;
    this.disposition = code === 'worker-failed' ? 'transient' : 'invalid';
  }
}
