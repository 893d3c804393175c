import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Environment } from '../config/environment.js';
import { loadDemo, loadFile } from './configuration.js';

const timeoutMs = 2_000;

/** `health`: asks the gateway of this configuration on this machine whether it is alive; 0 when it is. */
export async function health(file: string | undefined, environment: Environment): Promise<number> {
  const loaded = file === undefined ? loadDemo(environment) : loadFile(file, environment);
  if (!loaded.ok) return 1;
  const { host, port, tls } = loaded.config.http;
  const options = { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port, path: '/healthz', timeout: timeoutMs };
  return await new Promise((resolve) => {
    // The certificate is for the public name, and nothing secret is said here.
    const request = tls === undefined ? requestHttp(options) : requestHttps({ ...options, rejectUnauthorized: false });
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? 0 : 1);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(1));
    request.end();
  });
}
