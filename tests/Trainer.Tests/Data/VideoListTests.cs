using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class VideoListTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Reads_the_golden_list(string set)
    {
        var file = SharedFile.Golden(set, "videopaths.csv");
        var videos = VideoList.Read(file);
        Assert.Equal(4, videos.Count);
        Assert.Equal("hobbies/video_v/vidAAAAAA01", videos.PathOf(1));
        Assert.Equal("vidAAAAAA01", videos.IdOf(1));
    }

    [Fact]
    public void Reads_quotes_other_columns_line_ends_and_a_byte_order_mark()
    {
        var videos = Read("\uFEFFn,path\r\n1,\"a, b/\"\"c\"\"/id1\"\r\n\r\n2,None/x/None/id2\n3,id1");
        Assert.Equal(["a, b/\"c\"/id1", "x/id2", "id1"], Enumerable.Range(0, videos.Count).Select(videos.PathOf));
        Assert.Equal(["id1", "id2", "id1"], Enumerable.Range(0, videos.Count).Select(videos.IdOf));
    }

    [Fact]
    public void Keeps_a_path_that_stands_twice_as_two_rows() => Assert.Equal(2, Read("path\na/b\na/b\n").Count);

    [Theory]
    [InlineData("", "a column `path`")]
    [InlineData("video\na\n", "a header without it: video")]
    [InlineData("path\n", "a header and no video")]
    [InlineData("path\na\nb/\n", "row 2 has no video id")]
    [InlineData("n,path\n1\n", "row 1 has no video id")]
    public void Refuses(string text, string said) => Assert.Contains(said, Assert.Throws<UserError>(() => Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Names_a_missing_file() =>
        Assert.Contains("/nowhere/videos.csv", Assert.Throws<UserError>(() => VideoList.Read("/nowhere/videos.csv")).Message, StringComparison.Ordinal);

    static VideoList Read(string text)
    {
        using var folder = new TempFolder();
        var file = folder.File("videos.csv");
        File.WriteAllText(file, text);
        return VideoList.Read(file);
    }
}
