/** Entry point of the web page of nbagent's server. */

import { render } from "preact";
import { Page } from "./page";

render(<Page />, document.body);
