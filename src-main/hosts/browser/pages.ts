import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/** Headers of every answer of the browser door. */
export function headersFor(port: number): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ws://127.0.0.1:${port}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

/** An answer of one plain sentence. */
export function refuse(response: ServerResponse, status: number, sentence: string, port: number): void {
  const headers = { ...headersFor(port), 'cache-control': 'no-store', connection: 'close' };
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${sentence}\n`);
}

/**
 * Answers a GET or HEAD with a file of the page. What has no extension is a place inside the page, and so is a page of the wiki:
 * it gets `index.html`.
 * @param root absolute path of the built page
 */
export async function servePage(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  port: number,
): Promise<void> {
  const wanted = pathOf(request.url ?? '/');
  const file = wanted === undefined ? undefined : path.join(root, wanted);
  const notFound = (): void => refuse(response, 404, 'There is nothing here.', port);
  if (wanted === undefined || file === undefined || !file.startsWith(root + path.sep)) return notFound();
  const type = types[path.extname(file)];
  if (type === undefined) return notFound();
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch {
    return notFound();
  }
  // Names under assets/ carry the digest of their content.
  const lasting = wanted.startsWith('assets/');
  response.writeHead(200, {
    ...headersFor(port),
    'cache-control': lasting ? 'public, max-age=31536000, immutable' : 'no-store',
    'content-length': content.byteLength,
    'content-type': type,
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}

/** The file that an address names, relative to the page's folder; undefined for what is no plain path. */
function pathOf(url: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '');
  } catch {
    return undefined;
  }
  if (!decoded.startsWith('/') || /[\0\\]/.test(decoded)) return undefined;
  const parts = decoded.slice(1).split('/');
  if (parts.some((part) => part === '.' || part === '..' || part.startsWith('.'))) return undefined;
  if (parts[0] === 'wiki' && decoded.endsWith('.md')) return 'index.html';
  if (path.extname(decoded) === '') return parts[0] === 'assets' ? undefined : 'index.html';
  return parts.join('/');
}
