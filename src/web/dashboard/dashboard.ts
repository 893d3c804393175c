/** The script of `/dashboard/`: makes the elements known that the page is made of. */
import { CallsPage } from './calls-page.js';
import { GatewayDashboard } from './gateway-dashboard.js';
import { GuardPage } from './guard-page.js';
import { LadderView } from './ladder-view.js';
import { LoginPage } from './login-page.js';
import { OverviewStrip } from './overview-strip.js';
import { PlotView } from './plot-view.js';
import { RecordsPage } from './records-page.js';
import { StoryPage } from './story-page.js';
import { TrunksPage } from './trunks-page.js';

customElements.define('calls-page', CallsPage);
customElements.define('guard-page', GuardPage);
customElements.define('ladder-view', LadderView);
customElements.define('login-page', LoginPage);
customElements.define('overview-strip', OverviewStrip);
customElements.define('plot-view', PlotView);
customElements.define('records-page', RecordsPage);
customElements.define('story-page', StoryPage);
customElements.define('trunks-page', TrunksPage);
customElements.define('gateway-dashboard', GatewayDashboard);
