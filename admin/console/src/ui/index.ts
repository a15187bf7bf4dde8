// The design system, by one name: import { Button, Table } from "~/ui". The chart is apart (ui/chart), as it is loaded when needed.
export { Button, LinkButton } from "./button";
export { Field, TextField, Select, Checkbox, type Option, type ControlProps } from "./field";
export { Dialog, ConfirmDialog } from "./dialog";
export { toast, toastProblem, closeToast } from "./toasts";
export { Skeleton, SkeletonTiles, Empty, Note, ErrorNote, ErrorState, Load, PageBoundary } from "./states";
export { Tabs, Segmented, type TabItem } from "./tabs";
export { Badge, StateBadge, ModeBadge, type BadgeTone } from "./badge";
export { Table, type Column } from "./table";
export { Money, Price, Quantity, Percent, Time, Ago, Stat, Panel, useNow } from "./values";
export { Icon, type IconName } from "./icons";
export { Menu } from "./menu";
export { PageHead } from "./shell";
export { saveFile, csv } from "./csv";
