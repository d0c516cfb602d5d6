using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>A sample of a data set in the original's layout: which files, and the mean sizes of their arrays. Videos that cannot be read are left out and counted.</summary>
public sealed record SampledVideos(IReadOnlyList<string[]> Files, VideoSizes Sizes, int Unreadable)
{
    /// <param name="most">Videos, spread evenly over the list.</param>
    /// <param name="captions">Mean captions a video; NaN when not counted.</param>
    public static SampledVideos Of(RunConfig config, VideoList videos, int most, double captions)
    {
        var count = Math.Min(most, videos.Count);
        var files = new List<string[]>();
        double bytes = 0, rows = 0, features = 0, audio = 0, bands = 0;
        using var npz = new NpzReader();
        UserError? last = null;
        for (var i = 0; i < count; i++)
        {
            var video = (int)((long)i * videos.Count / count);
            var (path, id) = (videos.PathOf(video), videos.IdOf(video));
            var folder = Path.Combine(config.Data.FeaturesPath, path);
            string[] three = [Path.Combine(folder, id + "_2d.npz"), Path.Combine(folder, id + "_3d.npz"), Path.Combine(config.Data.FeaturesPathAudio, path, id + "_spec.npz")];
            try
            {
                var shapes = three.Select((file, part) => npz.Read(file, part < 2 ? "features" : "arr_0").Shape).ToArray();
                if (shapes.Any(shape => shape.Length != 2)) continue;
                rows += shapes[0][0] + shapes[1][0];
                features += (shapes[0][0] * shapes[0][1]) + (shapes[1][0] * shapes[1][1]);
                (audio, bands) = (audio + (shapes[2][0] * shapes[2][1]), bands + shapes[2][0]);
                bytes += three.Sum(file => new FileInfo(file).Length);
                files.Add(three);
            }
            catch (UserError error)
            {
                last = error;
            }
        }

        if (files.Count == 0) throw last ?? new UserError(config.Data.FeaturesPath, "no video with matrices", "features in the original's layout", "Check data.features_path");
        var n = (double)files.Count;
        return new SampledVideos(files, new VideoSizes(bytes / n, rows / n, features / n, audio / n, bands / n, captions), count - files.Count);
    }
}
