import styles from "../../styles/chat.css?inline";

export { styles };
export { Chat } from "./Chat.tsx";
