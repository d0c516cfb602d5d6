using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>
/// Checks the three files of one video: there, whole (lengths and CRC-32 of the members), floating point, of the configured shapes, every
/// value finite, and as long as the captions. One per checking thread.
/// </summary>
sealed class VideoCheck(RunConfig config, VideoList videos, CaptionSpan[] captions) : IDisposable
{
    const double RowsPerSecond3d = 24.0 / 16;
    const double FramesPerSecond = 100;

    /// <summary>Ends of captions are rounded, the last frame window is cut: less than this is not worth a word.</summary>
    const double ToleratedSeconds = 1;

    readonly NpzReader npz = new();
    readonly FiniteScan scan = new();
    List<Finding> findings = [];

    /// <summary>Faults of the video's files, and how many bytes they have.</summary>
    public (List<Finding> Findings, long Bytes) Check(int video)
    {
        findings = [];
        var (path, id) = (videos.PathOf(video), videos.IdOf(video));
        var name2d = Path.Combine(config.Data.FeaturesPath, path, id + "_2d.npz");
        var name3d = Path.Combine(config.Data.FeaturesPath, path, id + "_3d.npz");
        var nameAudio = Path.Combine(config.Data.FeaturesPathAudio, path, id + "_spec.npz");

        var width2d = Features(video, name2d, config.Data.FeatureFramerate);
        var width3d = Features(video, name3d, RowsPerSecond3d);
        if (width2d > 0 && width3d > 0 && width2d + width3d != config.Model.FeatureDim)
            Add(FindingKind.WrongShape, video, name3d, $"width {width3d} beside 2d features of width {width2d}", $"model.feature_dim = {config.Model.FeatureDim} together");
        Audio(video, nameAudio);
        return (findings, new[] { name2d, name3d, nameAudio }.Sum(file => File.Exists(file) ? new FileInfo(file).Length : 0));
    }

    /// <returns>Width, or 0 when there is no matrix to tell it.</returns>
    long Features(int video, string file, double rowsPerSecond)
    {
        if (Matrix(video, file, "features") is not { } array) return 0;
        var rows = array.Shape[0];
        if (captions[video] is { Count: > 0 } span && (long)(span.LastStart * rowsPerSecond) >= rows)
        {
            Add(FindingKind.BeyondFeatures, video, file, FormattableString.Invariant($"{rows} rows ({rows / rowsPerSecond:0.#} s), the last caption starts at {span.LastStart:0.#} s"),
                "rows for every caption");
        }

        return array.Shape[1];
    }

    void Audio(int video, string file)
    {
        if (Matrix(video, file, "arr_0") is not { } array) return;
        if (array.Shape[0] != config.Model.MelBands) Add(FindingKind.WrongShape, video, file, $"{array.Shape[0]} bands", $"model.mel_bands = {config.Model.MelBands}");
        var seconds = array.Shape[1] / FramesPerSecond;
        if (captions[video] is not { Count: > 0 } span || span.LatestEnd <= seconds + ToleratedSeconds) return;
        Add(FindingKind.BeyondAudio, video, file, FormattableString.Invariant($"{array.Shape[1]} frames ({seconds:0.##} s), the captions end at {span.LatestEnd:0.##} s"),
            "audio as long as the captions");
    }

    HostArray? Matrix(int video, string file, string key)
    {
        if (!File.Exists(file))
        {
            Add(FindingKind.Missing, video, file, "no file", "an npz");
            return null;
        }

        HostArray array;
        try
        {
            array = npz.Read(file, key);
        }
        catch (UserError error)
        {
            Add(FindingKind.Unreadable, video, file, error.Message, $"an npz with the array {key}");
            return null;
        }

        if (!array.IsFloat) Add(FindingKind.WrongType, video, file, $"`{key}` is {array.Type}", "half, single or double precision");
        else if (scan.FirstNotFinite(array) is >= 0 and var at) Add(FindingKind.NotFinite, video, file, $"`{key}` {Place(array, at)} is NaN or infinite", "finite numbers");
        if (array.Shape.Length == 2 && array.Count > 0) return array;
        Add(FindingKind.WrongShape, video, file, $"`{key}` has shape ({string.Join(", ", array.Shape)})", "a matrix that is not empty");
        return null;
    }

    static string Place(HostArray array, long index) => array.Shape.Length == 2 ? $"[{index / array.Shape[1]}, {index % array.Shape[1]}]" : $"[{index}]";

    void Add(string kind, int video, string file, string found, string expected) => findings.Add(new Finding(kind, video + 1, file, found, expected));

    public void Dispose() => npz.Dispose();
}
