import styles from "../../styles/voice.css?inline";

export { styles };
export { Voice } from "./Voice.tsx";
