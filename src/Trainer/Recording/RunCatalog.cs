using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Trainer.Recording;

/// <summary>The runs below a data folder: which one goes on, and how a new one begins.</summary>
public sealed class RunCatalog(string dataFolder, TimeProvider time)
{
    /// <summary>The newest run of this very configuration, or null.</summary>
    public RunFolder? FindNewest(RunConfig config)
    {
        var wanted = RunConfigFile.Sha256(config);
        var runs = RunFolder.RunsOf(dataFolder);
        if (!Directory.Exists(runs)) return null;
        return Directory.EnumerateDirectories(runs).OrderDescending(StringComparer.Ordinal)
            .Select(path => new RunFolder(path))
            .FirstOrDefault(run => File.Exists(run.Identity) && ConfigHashOf(run) == wanted);
    }

    /// <summary>A new run: folder, resolved configuration, and the identity last: without one it is no run.</summary>
    /// <param name="parent">Where it branches off; null: nowhere.</param>
    /// <param name="fill">Puts into the folder what the run begins with; null: nothing.</param>
    public RunFolder Create(RunConfig config, RunParent? parent = null, Action<RunFolder>? fill = null)
    {
        var now = time.GetUtcNow();
        var id = string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd-HHmmss}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}");
        var run = new RunFolder(Path.Combine(RunFolder.RunsOf(dataFolder), id));
        try
        {
            Directory.CreateDirectory(run.Path);
            RunConfigFile.Write(run.Config, config);
            fill?.Invoke(run);
            Write(run, new RunIdentity
            {
                FormatVersion = ProtocolVersion.Run,
                RunId = id,
                Name = config.Name,
                Created = now,
                Incarnation = 0,
                Finished = false,
                Parent = parent,
            });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(run.Path)) Directory.Delete(run.Path, recursive: true);
            throw new UserError(run.Path, $"cannot be created ({error.Message})", "a writable folder with space", "Name another one with --data", inner: error);
        }

        return run;
    }

    /// <exception cref="UserError">Damaged, or of a newer version.</exception>
    public static RunIdentity Read(RunFolder run)
    {
        try
        {
            var identity = JsonSerializer.Deserialize(File.ReadAllBytes(run.Identity), McnJson.Default.RunIdentity)!;
            if (identity.FormatVersion <= ProtocolVersion.Run) return identity;
            throw new UserError(run.Identity, $"run version {identity.FormatVersion}", $"version {ProtocolVersion.Run} or older",
                "Go on with the program that wrote it, or start a new run with --new", ExitCodes.Refused);
        }
        catch (JsonException error)
        {
            throw new UserError(run.Identity, error.Message, "a run's identity", "Start a new run with --new", ExitCodes.Refused, error);
        }
    }

    public static void Write(RunFolder run, RunIdentity identity) =>
        DurableFile.Replace(run.Identity, stream => JsonSerializer.Serialize(stream, identity, McnJson.ForFiles.RunIdentity));

    static string? ConfigHashOf(RunFolder run)
    {
        try
        {
            return RunConfigFile.Sha256(RunConfigFile.Read(run.Config, []));
        }
        catch (RunConfigException)
        {
            return null; // written by another version: not this configuration
        }
    }
}
