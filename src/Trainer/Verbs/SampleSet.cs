using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Sample;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>The sample set on the command line: `data sample` makes it where it is told, `train` where sample.json looks for it.</summary>
static class SampleSet
{
    public const long DefaultSeed = 1;

    /// <summary>Makes the set; the first signal ends it with nothing left behind.</summary>
    /// <exception cref="OperationCanceledException">A signal came.</exception>
    public static (SampleManifest Manifest, bool IsNew) Make(string folder, long seed, bool shuffled)
    {
        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return SampleDataset.Make(folder, seed, shuffled, stop.Token);
    }

    /// <summary>
    /// Makes the set when a configuration asks for it at its usual place and it is not there. Any other missing file is the user's
    /// own data, and the configuration's check says so.
    /// </summary>
    /// <param name="dataFolder">The folder of --data.</param>
    public static void MakeIfUsual(RunConfig config, string dataFolder)
    {
        if (UsualFolder(config.Data.TrainCsv, dataFolder) is not { } folder || Path.Exists(folder)) return;
        Console.Error.WriteLine($"making the sample set in {folder} (about 25 MB, once)");
        Make(folder, DefaultSeed, shuffled: false);
    }

    /// <summary>ROOT/sample of a list ROOT/sample/train/videos.csv, where ROOT is named .mcn or is --data; otherwise null.</summary>
    internal static string? UsualFolder(string trainCsv, string dataFolder)
    {
        var sample = Path.GetDirectoryName(Path.GetDirectoryName(trainCsv));
        if (sample is null || Path.GetFileName(sample) != "sample" || trainCsv != Path.Combine(sample, "train", "videos.csv")) return null;
        var root = Path.GetDirectoryName(sample);
        return Path.GetFileName(root) == ".mcn" || root == Path.GetFullPath(dataFolder) ? sample : null;
    }
}
