import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../dist/web/', import.meta.url));

/** A website with the call button on it: an origin that is not the gateway's own. */
export class PageServer {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<PageServer> {
    const server = createServer((request, response) => {
      const [file] = /^\/call-button\.(?:js|[a-z]{2}\.json)$/.exec(request.url ?? '') ?? [];
      if (file !== undefined) {
        response.setHeader('content-type', file.endsWith('.js') ? 'text/javascript' : 'application/json');
        response.end(readFileSync(web + file.slice(1)));
      } else {
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.end(
          `<!doctype html><title>A page</title><script type="module" src="/call-button.js"></script>${buttonIn(request.url ?? '')}`,
        );
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PageServer(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A page that brings a button with these attributes, so that it has it again after a reload. */
  pageWith(attributes: Readonly<Record<string, string>>): string {
    return `${this.origin}/?${new URLSearchParams(attributes)}`;
  }

  async dispose(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }
}

function buttonIn(url: string): string {
  const attributes = [...new URL(url, 'http://page').searchParams];
  if (attributes.length === 0) return '';
  return `<call-button ${attributes.map(([name, value]) => `${name}="${value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`).join(' ')}></call-button>`;
}
