/** Copies the demo carrier's prompts next to its built program. Without prompts the build fails. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';

const source = new URL('./prompts/', import.meta.url);
const target = new URL('../../dist/demo/prompts/', import.meta.url);
const names = readdirSync(source).filter((name) => name.endsWith('.ulaw'));
if (names.length === 0) {
  console.error('src/demo/prompts holds no prompts; run src/demo/prompts/render.sh');
  process.exit(1);
}
mkdirSync(target, { recursive: true });
for (const name of names) copyFileSync(new URL(name, source), new URL(name, target));
