import { readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Child } from './child.js';
import { eventually } from './eventually.js';
import { freePort, freePortRun } from './free-ports.js';
import { peerPath } from './programs.js';
import { scratch } from './scratch.js';
import { readWav, type Sound, tone, writeWav } from './tones.js';

export interface BaresipOptions {
  /** User part of its address; calls to any other are refused by it. */
  readonly number: string;
  /** Where it listens; any free port when absent. */
  readonly port?: number;
  readonly toneHz: number;
  readonly levelDb?: number;
  readonly codec?: 'PCMU' | 'PCMA';
  /** Certificate and key in one PEM file: it listens for TLS too, one port above. */
  readonly tlsFile?: string;
}

interface BaresipEvent {
  readonly type?: string;
  readonly param?: string;
}

/** Where Debian puts the modules, by architecture or not. */
const modulePath = '/usr/lib/baresip/modules';

/** A phone program: answers by itself, plays a file and keeps what it hears in another. */
export class Baresip {
  readonly events: BaresipEvent[] = [];
  private control: Socket | undefined;

  private constructor(
    private readonly files: ReturnType<typeof scratch>,
    private readonly child: Child,
    readonly port: number,
    readonly mediaPorts: readonly [number, number],
  ) {}

  static async start({ number, port: wanted, toneHz, levelDb = -12, codec = 'PCMU', tlsFile }: BaresipOptions): Promise<Baresip> {
    const files = scratch('baresip');
    const [port, controlPort, media] = [wanted ?? (await freePort()), await freePort(), await freePortRun(12)];
    writeWav(files.file('tone.wav'), tone({ frequencyHz: toneHz, seconds: 120, levelDb }));
    writeFileSync(
      files.file('accounts'),
      `<sip:${number}@127.0.0.1:${port};transport=${tlsFile === undefined ? 'udp' : 'tls'}>;regint=0;answermode=auto;audio_codecs=${codec}/8000/1\n`,
    );
    writeFileSync(
      files.file('config'),
      [
        'poll_method epoll',
        `sip_listen 127.0.0.1:${port}`,
        ...(tlsFile === undefined ? [] : [`sip_certificate ${tlsFile}`]),
        'net_interface 127.0.0.1',
        `audio_source aufile,${files.file('tone.wav')}`,
        'audio_player aubridge,heard',
        `rtp_ports ${media}-${media + 11}`,
        'jitter_buffer_delay 2-5',
        `snd_path ${files.path}`,
        `module_path ${modulePath}`,
        ...['g711', 'sndfile', 'aufile', 'aubridge'].map((name) => `module ${name}.so`),
        'module_tmp account.so',
        ...['menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
        `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
        '',
      ].join('\n'),
    );
    const child = new Child({ command: peerPath('baresip'), args: ['-4', '-f', files.path, '-s'] });
    const phone = new Baresip(files, child, port, [media, media + 11]);
    await child.waitForOutput(/baresip is ready/, 10_000);
    await phone.listenToControl(controlPort);
    return phone;
  }

  /** Hangs up as its owner would. */
  hangUp(): void {
    this.tell({ command: 'hangup' });
  }

  /** Presses keys, one after another as fast as it does; letters small. */
  press(keys: string): void {
    this.tell({ command: 'sndcode', params: keys });
  }

  private tell(order: Readonly<Record<string, string>>): void {
    const command = JSON.stringify(order);
    this.control?.write(`${command.length}:${command},`);
  }

  async waitForEvent(type: string, withinMs: number): Promise<BaresipEvent> {
    return eventually(() => this.events.find((event) => event.type === type), {
      what: `baresip reported ${type}`,
      withinMs,
      explain: () => this.child.describe(),
    });
  }

  /** Keys it heard as telephone-events, in order. */
  get digits(): string {
    return this.events
      .filter((event) => event.type === 'CALL_DTMF_START')
      .map((event) => event.param ?? '')
      .join('');
  }

  /** What it has heard so far, decoded by itself. */
  heard(): Sound {
    const name = readdirSync(this.files.path).find((file) => /^dump-.*-dec\.wav$/.test(file));
    return name === undefined ? { rateHz: 8_000, samples: new Int16Array(0) } : readWav(this.files.file(name));
  }

  /** Its trace of SIP messages. */
  get log(): string {
    return this.child.stdout + this.child.stderr;
  }

  async dispose(): Promise<void> {
    this.control?.destroy();
    await this.child.stop('SIGTERM', 2_000);
    this.files.dispose();
  }

  private async listenToControl(port: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    this.control = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      for (;;) {
        const head = /^(\d+):/.exec(text);
        const start = head?.[0].length ?? 0;
        const length = Number(head?.[1] ?? Number.POSITIVE_INFINITY);
        if (text.length < start + length + 1) return;
        this.events.push(JSON.parse(text.slice(start, start + length)) as BaresipEvent);
        text = text.slice(start + length + 1);
      }
    });
  }
}
