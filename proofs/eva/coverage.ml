(* After Eva: each statement of the sources under the root with whether some state reaches it, and each property that
   is not proved. One line for each: stmt FILE LINE FUNCTION 0|1, open FILE LINE TEXT. *)
open Cil_types

let describe (position : Filepath.position) =
  Printf.sprintf "%s\t%d" (Filepath.Normalized.to_pretty_string position.Filepath.pos_path) position.Filepath.pos_lnum

let one_line text =
  let spaces = String.map (fun c -> if c = '\n' || c = '\t' then ' ' else c) text in
  String.concat " " (List.filter (( <> ) "") (String.split_on_char ' ' spaces))

let statement out kf index stmt =
  let position = fst (Cil_datatype.Stmt.loc stmt) in
  match stmt.skind with
  | Block _ | UnspecifiedSequence _ | Goto _ | Break _ | Continue _ -> ()
  | Instr (Skip _) -> ()
  | _ ->
    Printf.fprintf out "stmt\t%s\t%s\t%d\t%d\n" (describe position) (Kernel_function.get_name kf) index
      (if Db.Value.is_reachable_stmt stmt then 1 else 0)

(* Alarms, our own annotations and the preconditions of what is called; contracts of Frama-C's library are not ours. *)
let property out ip =
  match ip, Property_status.Feedback.get ip with
  | (Property.IPCodeAnnot _ | Property.IPPropertyInstance _),
    Property_status.Feedback.(Unknown | Invalid | Invalid_under_hyp | Inconsistent) ->
    Printf.fprintf out "open\t%s\t%s\n" (describe (fst (Property.location ip)))
      (one_line (Format.asprintf "%a" Property.short_pretty ip))
  | _ -> ()

let run () =
  if Db.Value.is_computed () then begin
    let out = open_out (Sys.getenv "EVA_COVERAGE") in
    Globals.Functions.iter (fun kf ->
        if Kernel_function.is_definition kf then begin
          Printf.fprintf out "function\t%s\t%d\n" (Kernel_function.get_name kf) (if !Db.Value.is_called kf then 1 else 0);
          List.iteri (statement out kf) (Kernel_function.get_definition kf).sallstmts
        end);
    Property_status.iter (property out);
    close_out out
  end

let () = Db.Main.extend run
