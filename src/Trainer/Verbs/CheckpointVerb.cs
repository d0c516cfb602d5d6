using System.CommandLine;
using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`checkpoint`: what lies in a run, whether it is sound, and weights to and from other programs.</summary>
static class CheckpointVerb
{
    static readonly Argument<string> RunName = new("RUN") { Description = "Folder of a run, or its name below --data" };
    static readonly Option<string> Data = new("--data") { Description = "Folder of the runs (default: .mcn in the clone)", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MCN_DATA") ?? ".mcn" };
    static readonly Argument<string> Verified = new("PATH") { Description = "A run (all its checkpoints), one checkpoint folder, a .safetensors or a .pth" };
    static readonly Argument<string> Exported = new("CHECKPOINT") { Description = "A checkpoint folder, or any file of weights" };
    static readonly Argument<string> Out = new("OUT") { Description = "OUT.pth (for the original and torch.load) or OUT.safetensors; must not exist" };
    static readonly Argument<string> Imported = new("FILE") { Description = "The original's .pth (both formats of torch.save) or amp_checkpoint.pt, or a .safetensors" };
    static readonly Argument<string> Folder = new("OUT") { Description = "The folder to make; must not exist. A run starts from it by model.pretrain_path" };

    public static Command Command()
    {
        var list = new Command("list", "The checkpoints of a run, oldest first") { RunName, Data };
        list.SetAction(arguments => List(RunOf(arguments.GetRequiredValue(RunName), arguments.GetValue(Data)!)));
        var verify = new Command("verify", "Checksums, finite numbers, names and shapes; exit 1 when one is not sound") { Verified, Data };
        verify.SetAction(arguments => Verify(arguments.GetRequiredValue(Verified), arguments.GetValue(Data)!));
        var export = new Command("export", "The network of a checkpoint under the original's names") { Exported, Out };
        export.SetAction(arguments => Export(arguments.GetRequiredValue(Exported), arguments.GetRequiredValue(Out)));
        var import = new Command("import", "Weights of any origin as a folder that a run can start from") { Imported, Folder };
        import.SetAction(arguments => Import(arguments.GetRequiredValue(Imported), arguments.GetRequiredValue(Folder)));
        return new Command("checkpoint", "Checkpoints: list, verify, export, import") { list, verify, export, import };
    }

    static int List(RunFolder run)
    {
        var paths = CheckpointVerification.Paths(run);
        if (paths.Count == 0) Line($"{run.Checkpoints}: no checkpoint yet");
        else Line($"{"step",12}  {"epoch",5}  {"taken (UTC)",-19}  {"MB",10}  folder");
        foreach (var path in paths)
        {
            try
            {
                var manifest = CheckpointVerification.Manifest(path);
                Line($"{manifest.Step,12}  {manifest.Epoch,5}  {manifest.Time.UtcDateTime,-19:yyyy-MM-dd HH:mm:ss}  {manifest.Files.Sum(file => file.Bytes) / 1e6,10:N1}  {path}");
            }
            catch (UserError fault)
            {
                Line($"{"?",12}  {fault.Message}");
            }
        }

        return ExitCodes.Done;
    }

    static int Verify(string path, string data)
    {
        var isRun = !Path.Exists(path) || File.Exists(new RunFolder(path).Config);
        string[] paths = isRun ? [.. CheckpointVerification.Paths(RunOf(path, data))] : [path];
        if (paths.Length == 0) throw new UserError(path, "a run without checkpoints", "at least one", "It saves one at the end of an epoch and on checkpoint-now");
        var faults = 0;
        foreach (var each in paths)
        {
            var (isSound, text) = CheckpointVerification.Of(each);
            if (!isSound) faults++;
            Line($"{(isSound ? "ok  " : "FAIL")} {(isSound ? $"{each}: " : "")}{text}");
        }

        return faults == 0 ? ExitCodes.Done : ExitCodes.Fails;
    }

    static int Export(string checkpoint, string target)
    {
        var (sizes, entries, bytes) = WeightTransfer.Export(checkpoint, target);
        Line($"{target}: {entries} entries, {bytes / 1e6:N1} MB, {NetworkWeights.Describe(sizes)}");
        return ExitCodes.Done;
    }

    static int Import(string source, string target)
    {
        var (sizes, entries, file) = WeightTransfer.Import(source, target);
        foreach (var note in file.Notes) Line($"note: {note}");
        Line($"{target}: {entries} entries from {file.Format}, {NetworkWeights.Describe(sizes)}");
        Line($"To start a run from it, give the configuration this section:");
        Line($"  \"model\": {{ \"pretrain_path\": \"{Path.GetFullPath(target)}\",");
        Line($"    \"embd_dim\": {sizes.EmbdDim}, \"feature_dim\": {sizes.FeatureDim}, \"we_dim\": {sizes.WeDim}, \"mel_bands\": {sizes.MelBands},");
        Line($"    \"layer_widths\": [{string.Join(", ", sizes.LayerWidths)}], {(sizes.Recon ? $"\"recon\": true, \"recon_size\": {sizes.ReconSize}" : "\"recon\": false")} }}");
        return ExitCodes.Done;
    }

    static RunFolder RunOf(string name, string data)
    {
        foreach (var path in new[] { name, Path.Combine(RunFolder.RunsOf(Path.GetFullPath(data)), name) })
            if (File.Exists(new RunFolder(path).Config)) return new RunFolder(path);
        throw new UserError(name, "no run of this name", $"the folder of a run, or a name below {RunFolder.RunsOf(data)}", "`ls` there lists them; --data names another place", ExitCodes.Usage);
    }

    static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
