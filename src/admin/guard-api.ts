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
}

/** `GET /guard`: who has used how much of what he may. Under the access rules of the API. */
export function addGuardApi(app: FastifyInstance, deps: GuardDeps): void {
  app.get('/guard', async () => ({ currency: deps.currency, scopes: deps.scopes() }));
}
