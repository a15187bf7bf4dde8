import "~/ui/style";
import { render } from "solid-js/web";
import { App } from "~/ui/routing";
import { routes } from "./routes";
import { Frame, Layout } from "./layout";

render(() => <App routes={routes} login="/login" shell={Layout} frame={Frame} />, document.getElementById("app")!);
