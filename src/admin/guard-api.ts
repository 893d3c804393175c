import type { FastifyInstance } from 'fastify';
import type { Budget, Limits } from '../policy/limits/scope.js';

/** What one party that limits are for uses now, and has used. */
export interface ScopeDto {
  readonly scope: string;
  readonly rule: string;
  readonly calls: number;
  readonly minutesOfDay: number;
  readonly spentOfDay: number;
  readonly spentOfMonth: number;
  readonly limits: Limits;
  readonly budget: Budget;
}

/** What the route asks of the gateway. */
export interface GuardDeps {
  readonly currency: string;
  scopes(): readonly ScopeDto[];
  brake(): BrakeDto;
  /** False when it is no country code. */
  allow(who: string, country: string): boolean;
}

/** What is usual, and what was not. */
export interface BrakeDto {
  readonly action: 'off' | 'warn' | 'hold';
  readonly habits: ReadonlyArray<{ readonly who: string; readonly calls: number; readonly countries: readonly string[] }>;
  readonly unusual: ReadonlyArray<{ readonly who: string; readonly country: string; readonly count: number; readonly at: string }>;
}

/** `GET /guard`: who has used how much of what he may; `POST /guard/allow`: a country is usual from now on. Under the access rules of the API. */
export function addGuardApi(app: FastifyInstance, deps: GuardDeps): void {
  app.get('/guard', async () => ({ currency: deps.currency, scopes: deps.scopes(), brake: deps.brake() }));

  app.post('/guard/allow', async (request, reply) => {
    const { site = 'others', country } = (request.body ?? {}) as Readonly<Record<'site' | 'country', unknown>>;
    if (typeof site === 'string' && site.length <= 128 && typeof country === 'string' && deps.allow(site, country))
      return reply.code(204).send();
    const message = 'send { "site": "pk_…", "country": "+44" }; without a site it is for all calls that come from none';
    return reply.code(400).send({ error: { code: 'invalid-country', message } });
  });
}
