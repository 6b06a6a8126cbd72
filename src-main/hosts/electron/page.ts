import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The window's own address: a page of it is no file and no web site. */
export const pageOrigin = 'atrium://app';

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/**
 * Answers a request of the window with a file of the built page; a place inside the page gets `index.html`.
 * @param root absolute path of the built page
 */
export async function answerPage(address: string, root: string): Promise<Response> {
  const url = new URL(address);
  const wanted = path.normalize(decodeURIComponent(url.pathname)).slice(1);
  const name = path.extname(wanted) === '' ? 'index.html' : wanted;
  const file = path.join(root, name);
  const type = types[path.extname(name)];
  if (url.host !== 'app' || type === undefined || !file.startsWith(root + path.sep)) {
    return new Response('', { status: 404 });
  }
  try {
    const headers = {
      'content-type': type,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
    };
    return new Response(new Uint8Array(await readFile(file)), { headers });
  } catch {
    return new Response('', { status: 404 });
  }
}
