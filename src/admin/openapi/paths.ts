/** The routes of the API: what each takes and answers. */
import { fields, list, named, oneOf, type Schema, text, time, truth, whole } from './schema-words.js';

/** One operation (OpenAPI 3.1 §4.8.10). */
export type Operation = Readonly<Record<string, unknown>>;

const json = (schema: Schema, description: string): object => ({ description, content: { 'application/json': { schema } } });
const failed = (description: string): object => json(named('Error'), description);
const takes = (schema: Schema): object => ({ required: true, content: { 'application/json': { schema } } });
const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'Number of the call.' };
const query = (name: string, schema: Schema): object => ({ name, in: 'query', schema, description: schema['description'] });

const refusals = { '401': failed('The token is missing or wrong.'), '403': failed('Without a token, only this machine may ask.') };
const unknownCall = { '404': failed('There is no such call.') };

function operation(summary: string, responses: object, more: Operation = {}): Operation {
  return { summary, responses: { ...responses, ...refusals }, security: [{ adminToken: [] }], ...more };
}

/** Open to pages and back ends of websites, which show no admin token. */
function open(summary: string, responses: object, more: Operation = {}): Operation {
  return { summary, responses, security: [], ...more };
}

export const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/calls': {
    get: operation('Live calls', { '200': json(fields({ calls: list(named('Call'), 'All of them.') }), 'The calls.') }),
  },
  '/calls/{id}': {
    get: operation('One live call', { '200': json(named('Call'), 'The call.'), ...unknownCall }, { parameters: [id] }),
    delete: operation('End a call on both legs', { '204': { description: 'It is being ended.' }, ...unknownCall }, { parameters: [id] }),
  },
  '/calls/{id}/dtmf': {
    post: operation(
      'Press keys for one side',
      {
        '202': json(
          fields({ accepted: whole('How many.'), ids: list(whole('Number of a digit in the call.'), 'For the receipts.') }),
          'They are being sent.',
        ),
        '400': failed('The body is not as it must be.'),
        '409': failed('The call takes no digits now.'),
        ...unknownCall,
      },
      {
        parameters: [id],
        requestBody: takes(
          fields({
            digits: text('0-9, *, # and A-D, up to 64.', { pattern: '^[0-9*#A-Da-d]{1,64}$' }),
            'durationMs?': whole('Length of each.', { minimum: 40, maximum: 6000 }),
            'gapMs?': whole('Between two.', { minimum: 30, maximum: 6000 }),
            'to?': oneOf(['trunk', 'page'], 'Who hears them; the telephone by default.'),
          }),
        ),
      },
    ),
  },
  '/calls/{id}/secure-digits': {
    post: operation(
      'Open or close a window in which digits are not told',
      {
        '200': json(fields({ open: truth('Whether it is open.'), 'seconds?': whole('How long.') }), 'Done.'),
        '400': failed('The body is not as it must be.'),
        ...unknownCall,
      },
      {
        parameters: [id],
        requestBody: takes(fields({ open: truth('Open or close.'), 'seconds?': whole('How long.', { minimum: 1, maximum: 900 }) })),
      },
    ),
  },
  '/calls/{id}/events': {
    get: operation(
      'What happens in a call, as it happens',
      {
        '200': {
          description: 'Server-sent events: `call` first, then one event a fact.',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        '503': failed('Too many readers.'),
        ...unknownCall,
      },
      { parameters: [id] },
    ),
  },
  '/calls/{id}/story': {
    get: operation(
      'What happened in a call, up or over',
      { '200': json(named('Story'), 'The story.'), ...unknownCall },
      { parameters: [id] },
    ),
  },
  '/calls/{id}/story.pcap': {
    get: operation(
      'The SIP of a call as a capture file, numbers masked',
      {
        '200': { description: 'A pcap.', content: { 'application/vnd.tcpdump.pcap': { schema: { type: 'string', format: 'binary' } } } },
        ...unknownCall,
      },
      { parameters: [id] },
    ),
  },
  '/events': {
    get: operation('Calls that begin, change and end, as they do', {
      '200': { description: 'Server-sent events.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
      '503': failed('Too many readers.'),
    }),
  },
  '/trunks': {
    get: operation('Trunks and their health', { '200': json(fields({ trunks: list(named('Trunk'), 'In their order.') }), 'The trunks.') }),
  },
  '/cdrs': {
    get: operation(
      'Recent call records, newest first',
      {
        '200': {
          description: 'The records.',
          content: {
            'application/json': {
              schema: fields({ cdrs: list(named('Record'), 'The records.'), 'next?': text('For `before` of the next page.') }),
            },
            'text/csv': { schema: { type: 'string' } },
          },
        },
        '400': failed('A parameter is not as it must be.'),
      },
      {
        parameters: [
          query('limit', whole('How many.', { minimum: 1, maximum: 1000, default: 100 })),
          query('from', text('Begun at this time or later (RFC 3339), or on this day.')),
          query('to', text('Begun before this time or day.')),
          query('number', text('Part of the number of either side.')),
          query('trunk', text('Name of a trunk.')),
          query('site', text('Public key of a website.')),
          query('disposition', text('What became of it: a disposition of the record, or the code of a failure.')),
          query('before', text('Goes on after a page.')),
          query('format', oneOf(['json', 'csv'], 'As what.')),
        ],
      },
    ),
  },
  '/guard': {
    get: operation('What everybody that limits are for has used', {
      '200': json(
        fields({
          currency: text('Of all amounts (ISO 4217).'),
          scopes: list(named('Scope'), 'Those that were counted since the start.'),
          brake: named('Brake'),
        }),
        'The figures.',
      ),
    }),
  },
  '/guard/allow': {
    post: operation(
      'Let a country be called that is unusual for a website',
      { '204': { description: 'It is usual from now on.' }, '400': failed('That is no country code.') },
      {
        requestBody: takes(
          fields({
            'site?': text('Public key of the website; all calls that come from none by default.'),
            country: text('With its plus: +44.'),
          }),
        ),
      },
    ),
  },
  '/drain': {
    post: operation('Take no new calls and end the live ones in time', {
      '202': json(fields({ state: text('State of the gateway.') }), 'It drains.'),
    }),
  },
  '/ice-servers': {
    get: open(
      'STUN and TURN servers for a page that may call',
      {
        '200': json(
          fields({
            iceServers: list(named('IceServer'), 'For the page’s RTCPeerConnection.'),
            ttlSeconds: whole('How long their credentials are good to begin with.'),
          }),
          'The servers; none where there are none.',
        ),
        '401': failed('A ticket is needed, or the one shown is not taken.'),
        '403': failed('Not for this origin or site.'),
        '429': failed('Too often from here.'),
      },
      {
        security: [{ ticket: [] }, {}],
        parameters: [query('site', text('Public key of a site that lets its pages ask themselves.'))],
      },
    ),
  },
  '/tickets': {
    post: open(
      'A ticket for one call',
      {
        '201': json(
          fields({
            ticket: text('For Authorization: Bearer of the INVITE.'),
            expiresAt: time('Until when it is good.'),
            to: text('What it calls.'),
            iceServers: list(named('IceServer'), 'For the page’s RTCPeerConnection.'),
          }),
          'The ticket.',
        ),
        '400': failed('The body is not as it must be.'),
        '401': failed('Neither the secret of a site nor the key of one that lets pages ask.'),
        '403': failed('Not for this origin or destination.'),
        '429': failed('Too many were asked for from here.'),
      },
      {
        security: [{ siteSecret: [] }, {}],
        requestBody: takes(
          fields({
            'to?': text('Name of a destination of the site; a back end may name a number.'),
            'site?': text('Public key of the site, for pages.'),
            'visitor?': text('Who calls, as the website knows him.'),
            'from?': text('Number shown to the called side. Back ends only.'),
            'origin?': { oneOf: [{ type: 'string' }, list(text('Origin.'), 'Origins.')], description: 'Pages it is for. Back ends only.' },
            'maxSeconds?': whole('Longest call. Back ends only.', { minimum: 1 }),
            'validSeconds?': whole('How long it is good for. Back ends only.', { minimum: 1 }),
          }),
        ),
      },
    ),
  },
  '/ratings': {
    post: open(
      'How a call was, from the page that was in it',
      {
        '204': { description: 'It is taken.' },
        '400': failed('The body is not as it must be.'),
        '403': failed('The page is of no known origin.'),
        '404': failed('The token is of no call that may be rated.'),
        '429': failed('Too many came from there.'),
      },
      {
        requestBody: takes(
          fields({
            callToken: text('As the page got it with the call.'),
            stars: whole('From bad to good.', { minimum: 1, maximum: 5 }),
            'comment?': text('In the words of the caller.', { maxLength: 500 }),
          }),
        ),
      },
    ),
  },
  '/openapi.json': {
    get: open('This description', {
      '200': { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
    }),
  },
};
