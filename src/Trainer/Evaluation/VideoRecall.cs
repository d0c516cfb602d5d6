namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Recalls over clips and whole videos, as the original prints them beside YouCook2's (mcn-spec §9.3). The first 11 characters of a
/// clip's id name its video. Where votes tie the result is a range: the original's order there is that of an unstable sort. Pure.
/// </summary>
public static class VideoRecall
{
    const int VideoIdLength = 11;

    /// <param name="group">The original's name of the measure.</param>
    /// <param name="scores">(n captions, n clips), caption i belongs to clip i.</param>
    /// <param name="clipIds">n ids.</param>
    /// <param name="depth">k of R@k.</param>
    /// <returns>The recall under the least and the most favourable order of ties; null: no such measure.</returns>
    public static (double Least, double Most)? Of(string group, ReadOnlySpan<float> scores, IReadOnlyList<string> clipIds, int depth)
    {
        var n = clipIds.Count;
        string[] names = [.. clipIds.Select(id => id[..Math.Min(VideoIdLength, id.Length)])];
        string[] distinct = [.. names.Distinct(StringComparer.Ordinal)];
        int[] videoOf = [.. names.Select(name => Array.IndexOf(distinct, name))];
        var rows = new float[n][];
        for (var i = 0; i < n; i++) rows[i] = scores.Slice(i * n, n).ToArray();
        var ofVideos = rows.Select(row => BestClipOfEachVideo(row, videoOf, distinct.Length)).ToArray();
        return group switch
        {
            "caption_to_clip" => Exactly(rows.Select((row, i) => Top(row, depth).Contains(i))),
            "caption_to_video" => Exactly(rows.Select((row, i) => Top(row, depth).Any(clip => videoOf[clip] == videoOf[i]))),
            "all_captions_to_video__mean_over_captions_of_max_over_clips" =>
                Exactly(Enumerable.Range(0, distinct.Length).Select(video => Top(MeanOver(ofVideos, videoOf, video), depth).Contains(video))),
            "all_captions_to_video__vote_over_topk_videos" => Vote(row => Top(ofVideos[row], depth)),
            "all_captions_to_video__vote_over_topk_clips" => Vote(row => Top(rows[row], depth).Select(clip => videoOf[clip])),
            _ => null,
        };

        (double, double) Vote(Func<int, IEnumerable<int>> votesOfCaption)
        {
            var (least, most) = (0, 0);
            for (var video = 0; video < distinct.Length; video++)
            {
                var votes = new int[distinct.Length];
                for (var caption = 0; caption < n; caption++)
                    if (videoOf[caption] == video) foreach (var voted in votesOfCaption(caption)) votes[voted]++;
                var own = votes[video];
                if (own == 0) continue;
                var (above, equal) = (votes.Count(count => count > own), votes.Count(count => count == own));
                if (above < depth) most++;
                if (above + equal <= depth) least++;
            }

            return (least / (double)distinct.Length, most / (double)distinct.Length);
        }
    }

    static (double, double) Exactly(IEnumerable<bool> hits)
    {
        var share = hits.Average(hit => hit ? 1.0 : 0.0);
        return (share, share);
    }

    /// <summary>The k largest, the first of equals first.</summary>
    static IEnumerable<int> Top(float[] values, int k) => Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).Take(k);

    static float[] BestClipOfEachVideo(float[] row, int[] videoOf, int videos)
    {
        var best = new float[videos];
        Array.Fill(best, float.NegativeInfinity);
        for (var clip = 0; clip < row.Length; clip++) best[videoOf[clip]] = Math.Max(best[videoOf[clip]], row[clip]);
        return best;
    }

    static float[] MeanOver(float[][] ofVideos, int[] videoOf, int video)
    {
        float[][] own = [.. ofVideos.Where((_, caption) => videoOf[caption] == video)];
        return [.. Enumerable.Range(0, own[0].Length).Select(i => own.Average(row => row[i]))];
    }
}
