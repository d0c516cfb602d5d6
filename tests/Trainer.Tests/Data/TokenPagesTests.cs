using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class TokenPagesTests
{
    [Fact]
    public void What_was_written_is_read_over_pages_and_all_sizes_of_ids()
    {
        var pages = new TokenPages();
        var random = new CounterRandom(5, RandomPurpose.SampleSet);
        var videos = new List<(long Place, int[][] Captions)>();
        for (var video = 0; video < 900; video++)
        {
            var captions = Enumerable.Range(0, random.Next(200)).Select(_ => Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(1 << random.Next(31))).ToArray()).ToArray();
            pages.Add([1, 2, 3]);
            pages.Discard(); // a video that turned out malformed
            foreach (var caption in captions) pages.Add(caption);
            videos.Add((pages.EndVideo(), captions));
        }

        Assert.True(videos.Select(video => video.Place >> 32).Distinct().Count() > 1);
        var ids = new int[1];
        foreach (var (place, captions) in videos)
        {
            for (var caption = 0; caption < captions.Length; caption++)
            {
                var reader = pages.At(place);
                reader.Skip(caption);
                var count = reader.Next(ref ids);
                Assert.Equal(captions[caption], ids[..count]);
            }
        }
    }

    [Fact]
    public void A_video_larger_than_a_page_has_a_page_of_its_own()
    {
        var pages = new TokenPages();
        pages.Add([7]);
        var first = pages.EndVideo();
        var large = Enumerable.Range(0, 3_000_000).ToArray();
        pages.Add(large);
        var place = pages.EndVideo();
        var ids = Array.Empty<int>();
        Assert.Equal(large.Length, pages.At(place).Next(ref ids));
        Assert.Equal(large, ids[..large.Length]);
        Assert.Equal(1, pages.At(first).Next(ref ids));
        Assert.Equal(7, ids[0]);
    }
}
