import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { CallButton } from './call-button.js';

function Shop() {
  const [state, setState] = useState('idle');
  return (
    <main>
      <h1>Questions about an order?</h1>
      <CallButton gateway="wss://call.example.com/sip" site="pk_shop" to="sales" label="Call the shop" onCallState={(call) => setState(call.state)} />
      <p>The call is {state}.</p>
    </main>
  );
}

createRoot(document.body.appendChild(document.createElement('div'))).render(<Shop />);
