using System.Globalization;
using System.IO.Hashing;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Weights between this program and others, as files: a checkpoint's network to .pth or .safetensors, and any file of weights to a folder
/// that a run can start from (model.pretrain_path). Both are strict, write beside the place and rename, and never write over anything.
/// </summary>
public static class WeightTransfer
{
    const string TorchEnding = ".pth";
    const string SafetensorsEnding = ".safetensors";

    /// <summary>The network of <paramref name="source"/> under the original's names, in its order and shapes (mcn-spec appendix A).</summary>
    /// <param name="target">Ends in .pth or .safetensors.</param>
    /// <returns>Sizes, entries and bytes.</returns>
    /// <exception cref="UserError">Bad weights, another ending, or something lies at the target (exit code 3); nothing was written.</exception>
    public static (ModelConfig Sizes, int Entries, long Bytes) Export(string source, string target)
    {
        var ending = Path.GetExtension(target);
        if (ending is not (TorchEnding or SafetensorsEnding)) throw new UserError(target, ending.Length == 0 ? "a name without ending" : $"the ending '{ending}'", $"{TorchEnding} or {SafetensorsEnding}", "The ending decides the format", ExitCodes.Usage);
        RequireFree(target);
        var file = WeightFile.Read(source);
        var (sizes, entries) = Ordered(file);
        CompleteFile.WriteNew(target, stream =>
        {
            if (ending == TorchEnding) TorchStateWriter.Write(stream, target, entries);
            else WriteSafetensors(stream, entries, new Dictionary<string, string> { ["format"] = "pt" }); // what the transformers library asks for
        });
        return (sizes, entries.Count, new FileInfo(target).Length);
    }

    /// <summary>Weights of any origin as a folder with model.safetensors, where they came from in its metadata.</summary>
    /// <exception cref="UserError">Not the weights of one network, or something lies at the target (exit code 3); nothing was written.</exception>
    public static (ModelConfig Sizes, int Entries, WeightFile Source) Import(string source, string target)
    {
        RequireFree(target);
        var file = WeightFile.Read(source);
        var (sizes, entries) = Ordered(file);
        var temporary = string.Create(CultureInfo.InvariantCulture, $"{target}.{Environment.ProcessId}.tmp");
        try
        {
            Directory.CreateDirectory(temporary);
            DurableFile.Replace(Path.Combine(temporary, WeightFile.FileInFolder), stream => WriteSafetensors(stream, entries, Origin(file)));
            Directory.Move(temporary, target);
            DurableFile.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(target))!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError(target, $"cannot be written ({error.Message})", "", "Check free space and permissions of the folder", inner: error);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }

        return (sizes, entries.Count, file);
    }

    /// <summary>XXH3-128 of a file, 32 hexadecimal digits: tells which file it was.</summary>
    public static string HashOf(string path)
    {
        using var stream = File.OpenRead(Directory.Exists(path) ? Path.Combine(path, WeightFile.FileInFolder) : path);
        var hash = new XxHash128();
        hash.Append(stream);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    static Dictionary<string, string> Origin(WeightFile file) => new()
    {
        ["format_version"] = ProtocolVersion.Checkpoint.ToString(CultureInfo.InvariantCulture),
        ["imported_from"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(file.Path)),
        ["imported_format"] = file.Format,
        ["imported_xxh128"] = HashOf(file.Path),
    };

    /// <summary>Every entry of the network in the original's order and shape; single precision, counters int64.</summary>
    static (ModelConfig Sizes, List<(string Name, HostArray Array)> Entries) Ordered(WeightFile file)
    {
        var weights = new NetworkWeights(file);
        var sizes = weights.Sizes();
        weights.RequireFinite();
        return (sizes, [.. NetworkLayout.Of(sizes).Select(entry => (entry.Name, weights.InLayout(entry.Name, entry.Shape)))]);
    }

    static void WriteSafetensors(Stream stream, List<(string Name, HostArray Array)> entries, Dictionary<string, string> metadata) =>
        Safetensors.Write(stream, [.. entries.Select(e => new SafetensorsEntry(e.Name, e.Array.Type, e.Array.Shape, to => to.Write(e.Array.Data.Span)))], metadata);

    static void RequireFree(string target)
    {
        if (Path.Exists(target)) throw new UserError(target, "something lies there", "a new name", "Nothing is written over: delete it or name another place", ExitCodes.Refused);
    }
}
