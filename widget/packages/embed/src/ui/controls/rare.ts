import styles from "../../styles/rare.css?inline";

export { styles };
export { Attachment } from "./Attachment.tsx";
export { FileControl } from "./FileControl.tsx";
export { HoursControl } from "./HoursControl.tsx";
