// Operators sign in as customers do; only the console behind it differs.
export { default } from "~/customer/auth/login";
