(* Every clause of the contracts: kind, function, label, file, line, text; one on each line of $EACSL_CLAUSES. *)
open Cil_types

let one_line text =
  let spaces = String.map (fun c -> if c = '\n' || c = '\t' then ' ' else c) text in
  String.concat " " (List.filter (( <> ) "") (String.split_on_char ' ' spaces))

let run out =
  let line kind f label (position : Filepath.position) text =
    Printf.fprintf out "%s\t%s\t%s\t%s\t%d\t%s\n" kind (Kernel_function.get_name f) label
      (Filepath.Normalized.to_pretty_string position.Filepath.pos_path) position.Filepath.pos_lnum (one_line text)
  in
  let predicate kind f (p : predicate) =
    let label = match List.rev p.pred_name with [] -> "-" | name :: _ -> name in
    line kind f label (fst p.pred_loc) (Format.asprintf "%a" Printer.pp_predicate p)
  in
  (* These have no labels. *)
  let nameless kind f = line kind f "-" (fst (Kernel_function.get_location f)) "" in
  let behavior f (b : funbehavior) =
    List.iter (fun (p : identified_predicate) -> predicate "requires" f p.ip_content.tp_statement) b.b_requires;
    List.iter
      (fun (kind, (p : identified_predicate)) ->
        match kind with
        | Normal -> predicate "ensures" f p.ip_content.tp_statement
        | _ -> nameless "exits" f)
      b.b_post_cond;
    match b.b_assigns with WritesAny -> () | Writes _ -> nameless "assigns" f
  in
  let code f _ (annotation : code_annotation) =
    match annotation.annot_content with
    | AAssert (_, p) -> predicate "assert" f p.tp_statement
    | AInvariant (_, _, p) -> predicate "invariant" f p.tp_statement
    | AAssigns _ -> nameless "loop assigns" f
    | AVariant _ -> nameless "loop variant" f
    | AStmtSpec _ | AAllocation _ | AExtended _ -> ()
  in
  Globals.Functions.iter (fun f ->
      List.iter (behavior f) (Annotations.behaviors ~populate:false f);
      (match Annotations.terminates ~populate:false f with None -> () | Some _ -> nameless "terminates" f);
      if Kernel_function.is_definition f then
        List.iter (Annotations.iter_code_annot (code f)) (Kernel_function.get_definition f).sallstmts)

(* Once, before E-ACSL has made its project. *)
let main () =
  match Sys.getenv_opt "EACSL_CLAUSES" with
  | Some path when not (Sys.file_exists path) ->
    let out = open_out path in
    run out;
    close_out out
  | _ -> ()

let () = Db.Main.extend main
