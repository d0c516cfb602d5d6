using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>deploy/config/sample.json over a sample set elsewhere.</summary>
static class SampleConfig
{
    public static RunConfig Of(string set, params string[] overrides) => RunConfigFile.Read(
        Path.Combine(Clone(), "deploy/config/sample.json"),
        [
            $"train_csv={set}/train/videos.csv", $"features_path={set}/train/parsed_videos", $"caption_path={set}/train/caption.pickle",
            $"word2vec_path={set}/train/words.bin", $"evaluation.eval_files=[\"{set}/heldout.pkl\"]", .. overrides,
        ]);

    static string Clone()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mcn.Web.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No Mcn.Web.sln above {AppContext.BaseDirectory}");
    }
}
