import { getPass, type PassSettings } from './call-pass.js';
import type { SipClient, SipClientHandlers, SipClientOptions } from './sip-client.js';

/** Who the page is to the gateway, and where that is. */
export interface LinkSettings extends PassSettings {
  /** Registers under this name for incoming calls; without it the page only calls out. */
  readonly user?: string;
  readonly displayName?: string;
}

export interface GatewayLinkDeps extends SipClientHandlers {
  readonly settings: () => LinkSettings;
  readonly openClient: (options: SipClientOptions, handlers: SipClientHandlers) => SipClient;
}

/** The page's connection to the gateway: opened when it is needed, and anew when the page has become another. */
export class GatewayLink {
  private client: SipClient | undefined;
  private identity = '';

  constructor(private readonly deps: GatewayLinkDeps) {}

  /** The connection as it is, if there is one. */
  get current(): SipClient | undefined {
    return this.client;
  }

  open(): SipClient {
    if (this.client !== undefined) return this.client;
    const settings = this.deps.settings();
    this.identity = identityOf(settings);
    const { gateway, user, displayName, site, ticketUrl, ticket } = settings;
    this.client = this.deps.openClient(
      {
        gateway,
        ...(user === undefined ? {} : { user }),
        ...(displayName === undefined ? {} : { displayName }),
        ...((site ?? ticketUrl ?? ticket) === undefined ? {} : { ticket: () => this.ticket() }),
      },
      this.deps,
    );
    return this.client;
  }

  /** To be called while there is no call: follows a change of the settings, and keeps a page reachable that has a user. */
  renew(): void {
    const settings = this.deps.settings();
    const stale = this.client !== undefined && this.identity !== identityOf(settings);
    if (!stale && (this.client !== undefined || settings.user === undefined)) return;
    this.close();
    if (settings.user !== undefined) this.open().stayReachable();
  }

  close(): void {
    this.client?.close();
    this.client = undefined;
  }

  private async ticket(): Promise<string | undefined> {
    const outcome = await getPass(this.deps.settings());
    return outcome.ok ? outcome.pass.ticket : undefined;
  }
}

const identityOf = ({ gateway, user, displayName }: LinkSettings): string => [gateway, user, displayName].join('\n');
