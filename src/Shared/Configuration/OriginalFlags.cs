namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// Flags of the original program that have no key of the same name here: who copies the published command is told where
/// each of them went, instead of being offered a key that only looks alike.
/// </summary>
static class OriginalFlags
{
    // Names without underscores, in lower case.
    static readonly Dictionary<string, string> Moved = new(StringComparer.Ordinal)
    {
        ["trimodal"] = "Leave it out: all three modalities are trained, see objective.no_audio and objective.no_video",
        ["randomaudiowindows"] = "Leave it out: clips are drawn from the captions (the original's 0)",
        ["apexlevel"] = "Use precision",
        ["loss"] = "Leave it out: the loss is the masked margin softmax (the original's 0)",
        ["nce"] = "Leave it out: it gives the same value as the cluster loss",
        ["checkpointdir"] = "Leave it out: checkpoints lie in the run's own folder, see checkpoint.keep_last",
        ["evalyoucook"] = "Name the set in evaluation.eval_files",
        ["evalmsrvtt"] = "Name the set in evaluation.eval_files",
        ["evallsmdc"] = "Name the set in evaluation.eval_files",
        ["youcooknumframesmultiplier"] = "Use evaluation.num_frames_multiplier",
        ["msrvttnumframesmultiplier"] = "Use evaluation.num_frames_multiplier",
        ["lsmdcnumframesmultiplier"] = "Use evaluation.num_frames_multiplier",
        ["wd"] = "Leave it out: the original parses it and never uses it",
        ["lrdecay"] = "Leave it out: the original parses it and never uses it",
        ["minwords"] = "Leave it out: the original parses it and never uses it",
    };

    /// <summary>What to do about the flag, or null when it is none of these.</summary>
    internal static string? Find(string bareName) => Moved.GetValueOrDefault(bareName);
}
