using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// A run that begins with a checkpoint of another. It gets that checkpoint as its own (the same files under a second name), and goes on
/// from it as any run goes on: the step after it is proven too, and nothing depends on what becomes of the parent.
/// </summary>
static class RunBranch
{
    /// <param name="step">Steps done at the parent's checkpoint.</param>
    /// <returns>Null: the parent has no such checkpoint.</returns>
    /// <exception cref="UserError">The folder cannot be written.</exception>
    public static RunFolder? Create(RunCatalog catalog, RunFolder parent, long step, RunConfig config)
    {
        if (CheckpointFolder.Find(parent.Checkpoints, step) is not { } entry) return null;
        return catalog.Create(config, new RunParent(parent.RunId, step), run => Take(entry, run));
    }

    /// <summary>Its beginning cannot be read: to begin at step 0 instead would be another run.</summary>
    internal static UserError Lost(RunFolder run, RunParent parent) => new(
        run.Checkpoints, "no checkpoint that can be read", $"the one of step {parent.Step} of run {parent.RunId} that this run began with",
        "Branch off again from another checkpoint of that run", ExitCodes.Refused);

    static void Take(CheckpointEntry entry, RunFolder run)
    {
        var target = Path.Combine(run.Checkpoints, RunFolder.CheckpointName(entry.Step));
        Directory.CreateDirectory(target);
        // Marks are the parent's own affair; the manifest comes last, as when it was written.
        foreach (var name in entry.Manifest.Files.Select(file => file.Name).Append(CheckpointFolder.ProofName).Append(CheckpointFolder.ManifestName))
        {
            var file = Path.Combine(entry.Path, name);
            if (name == CheckpointFolder.ProofName && !File.Exists(file)) continue; // no step was done after it
            DurableFile.LinkOrCopy(file, Path.Combine(target, name));
        }

        DurableFile.FlushFolder(target);
        DurableFile.FlushFolder(run.Checkpoints);
    }
}
