import { describe, expect, it } from 'vitest';
import { PortPool, shareOfRange } from '../../../../../src/media/embedded/transport/port-pool.js';

const bound = async (port: number): Promise<number> => port;

function poolOf(min: number, max: number, portsPerLease: 1 | 2 = 1) {
  const clock = { nowMs: 0 };
  return { clock, pool: new PortPool({ min, max, portsPerLease, quarantineMs: 5000 }, { nowMs: () => clock.nowMs }) };
}

async function leaseAll(pool: PortPool, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let at = 0; at < count; at += 1) ports.push((await pool.lease(bound)).port);
  return ports;
}

describe('the port pool', () => {
  it('hands out every port once, then says there is none', async () => {
    const { pool } = poolOf(100, 109);
    expect((await leaseAll(pool, 10)).sort((a, b) => a - b)).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    await expect(pool.lease(bound)).rejects.toMatchObject({ code: 'no-free-ports' });
    expect(pool.leasedPorts).toBe(10);
  });

  it('hands out even ports with the odd one above, whatever the borders', async () => {
    const { pool } = poolOf(101, 106, 2);
    expect((await leaseAll(pool, 2)).sort()).toEqual([102, 104]);
    await expect(pool.lease(bound)).rejects.toMatchObject({ code: 'no-free-ports' });
    expect(pool.leasedPorts).toBe(4);
  });

  it('lets a port rest before it is used again', async () => {
    const { pool, clock } = poolOf(100, 100);
    const { port } = await pool.lease(bound);
    pool.release(port);
    clock.nowMs = 4999;
    await expect(pool.lease(bound)).rejects.toMatchObject({ code: 'no-free-ports' });
    clock.nowMs = 5000;
    expect((await pool.lease(bound)).port).toBe(100);
  });

  it('goes on to another port where one is taken', async () => {
    const { pool } = poolOf(100, 119);
    const { port } = await pool.lease(async (candidate) => (candidate === 113 ? candidate : undefined));
    expect(port).toBe(113);
    expect(pool.leasedPorts).toBe(1);
  });

  it('picks in no order that can be told', async () => {
    const { pool } = poolOf(1000, 1999);
    const ports = await leaseAll(pool, 50);
    expect(ports).not.toEqual([...ports].sort((a, b) => a - b));
  });

  it('gives each worker its own part of a range, on an even border, and loses none', () => {
    const parts = [0, 1, 2].map((index) => shareOfRange({ min: 1000, max: 1019 }, index, 3));
    expect(parts).toEqual([
      { min: 1000, max: 1005 },
      { min: 1006, max: 1011 },
      { min: 1012, max: 1019 },
    ]);
  });
});
