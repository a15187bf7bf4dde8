import "~/ui/style";
import { render } from "solid-js/web";
import { loadBrand } from "~/ui/brand";
import { App } from "~/ui/routing";
import { routes } from "./routes";
import { Frame, Layout } from "./layout";

loadBrand();
render(() => <App routes={routes} base="/admin" login="/login" shell={Layout} frame={Frame} />, document.getElementById("app")!);
