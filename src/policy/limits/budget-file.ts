import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { GatewayError, messageOf } from '../../base/errors.js';
import type { KeptUse } from './scope-use.js';

export type BudgetFileErrorInfo = { readonly code: 'budget-file-unusable'; readonly path: string };

/** What each scope used of its day and month, by its id. */
export type KeptUses = Readonly<Record<string, KeptUse>>;

function isKept(value: unknown): value is KeptUse {
  const { day, month, talkMsOfDay, spentOfDay, spentOfMonth } = (value ?? {}) as Readonly<Record<keyof KeptUse, unknown>>;
  return (
    typeof day === 'string' && typeof month === 'string' && [talkMsOfDay, spentOfDay, spentOfMonth].every((one) => typeof one === 'number')
  );
}

/** The file that keeps budgets over a restart. Small, so it is written whole, to another name first. */
export class BudgetFile {
  constructor(private readonly path: string) {}

  /** Nothing when there is no file yet. Throws when it cannot be read, or is another kind of file: budgets must not begin anew unseen. */
  read(): KeptUses {
    try {
      const uses: unknown = JSON.parse(readFileSync(this.path, 'utf8'));
      if (typeof uses === 'object' && uses !== null && Object.values(uses).every(isKept)) return uses as KeptUses;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw this.unusable(messageOf(thrown), thrown);
    }
    throw this.unusable('it holds something else');
  }

  write(uses: KeptUses): void {
    const next = `${this.path}.new`;
    try {
      writeFileSync(next, `${JSON.stringify(uses)}\n`, { mode: 0o600 });
      renameSync(next, this.path);
    } catch (thrown) {
      throw this.unusable(messageOf(thrown), thrown);
    }
  }

  private unusable(why: string, cause?: unknown): GatewayError<BudgetFileErrorInfo> {
    const message = `policy.budgetFile: ${this.path} cannot be used: ${why}; correct the path or its permissions, or remove it to begin anew`;
    return new GatewayError<BudgetFileErrorInfo>({ code: 'budget-file-unusable', path: this.path }, message, { cause });
  }
}
