using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// The sample set in a folder: made beside its place under a temporary name and renamed, so that a set is there whole or not at all,
/// whatever ends the process. Never touches a folder that holds anything else.
/// </summary>
public static class SampleDataset
{
    /// <summary>The set takes 25 MB; nobody is glad of a disk that is full to the last byte.</summary>
    const long NeededBytes = 64L << 20;

    static readonly string[] Ours = ["train", "heldout.pkl", "README.txt", "manifest.json"];

    /// <summary>Makes the set, or finds that it is there.</summary>
    /// <returns>What the folder holds, and whether it was made by this call.</returns>
    /// <exception cref="UserError">The folder holds something else, or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Stopped; nothing is left.</exception>
    public static (SampleManifest Manifest, bool IsNew) Make(string folder, long seed, bool shuffled, CancellationToken stop)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var present = SampleManifest.Find(folder);
        if (present is not null && IsWanted(present, seed, shuffled) && present.IsWhole(folder)) return (present, false);
        RefuseForeign(folder, present);
        try
        {
            return (MakeBeside(folder, seed, shuffled, stop), true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError(folder, $"cannot be written ({error.Message})", "a writable folder with space", "Name another folder", inner: error);
        }
    }

    static bool IsWanted(SampleManifest set, long seed, bool shuffled) =>
        set.FormatVersion == ProtocolVersion.SampleSet && set.Seed == seed && set.ShuffledCaptions == shuffled;

    static void RefuseForeign(string folder, SampleManifest? present)
    {
        const string remedy = "Name a new or empty folder";
        if (File.Exists(folder)) throw new UserError(folder, "a file", "a folder", remedy, ExitCodes.Refused);
        if (!Directory.Exists(folder)) return;
        var foreign = Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName)
            .FirstOrDefault(name => present is null || !Ours.Contains(name, StringComparer.Ordinal));
        if (foreign is null) return;
        throw new UserError(folder, $"holds {foreign}, which is no part of a sample set", "an empty folder, or a sample set alone", remedy, ExitCodes.Refused);
    }

    static SampleManifest MakeBeside(string folder, long seed, bool shuffled, CancellationToken stop)
    {
        var parent = Directory.CreateDirectory(Path.GetDirectoryName(folder)!).FullName;
        var free = new DriveInfo(parent).AvailableFreeSpace;
        if (free < NeededBytes)
            throw new UserError(parent, $"{free >> 20} MB free", $"at least {NeededBytes >> 20} MB", "Free some space, or name a folder on another disk");

        var part = folder + ".part";
        using var claim = Claim(part);
        try
        {
            var captions = new SampleContents(part, seed, shuffled).Write(stop);
            File.WriteAllText(Path.Combine(part, "README.txt"), SampleReadme.Text(seed, shuffled, captions));
            var (files, bytes) = SampleManifest.Measure(part);
            var manifest = new SampleManifest(
                ProtocolVersion.SampleSet, seed, shuffled, SamplePlan.Videos, captions, SamplePlan.HeldOut, files - 1, bytes); // the claim goes
            manifest.Write(part); // before the claim goes: at any moment one of them says whose folder this is
            File.Delete(claim.Name);
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); // empty, or a set of ours that is not the wanted one
            Directory.Move(part, folder);
            return manifest;
        }
        catch
        {
            Directory.Delete(part, recursive: true);
            throw;
        }
    }

    /// <summary>Takes the temporary folder. What a killed process left in it is deleted; what a living one writes is refused.</summary>
    static FileStream Claim(string part)
    {
        const string name = "being-made.lock";
        if (Directory.Exists(part) && !File.Exists(Path.Combine(part, name)) && SampleManifest.Find(part) is null
            && Directory.EnumerateFileSystemEntries(part).Any())
        {
            throw new UserError(part, "holds something that is no unfinished sample set", "the name for the unfinished set to be free", "Move it away", ExitCodes.Refused);
        }

        Directory.CreateDirectory(part);
        FileStream claim;
        try
        {
            claim = new FileStream(Path.Combine(part, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new UserError(part, "another process makes this set", "one at a time", "Wait for it", ExitCodes.Refused, error);
        }

        foreach (var entry in new DirectoryInfo(part).EnumerateFileSystemInfos())
        {
            if (entry.Name == name) continue;
            if (entry is DirectoryInfo folder) folder.Delete(recursive: true);
            else entry.Delete();
        }

        return claim;
    }
}
