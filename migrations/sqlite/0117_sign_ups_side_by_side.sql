-- In a rush each of these entries was a page of its own to write. Whoever asks by an address reads fifty thousand rows at most.
drop index sign_up_email_key_idx;
