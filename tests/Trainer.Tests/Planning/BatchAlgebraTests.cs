using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class BatchAlgebraTests
{
    [Fact]
    public void The_paper_s_recipe_is_4096_clips_and_a_quarter_of_them_on_each_of_four_devices()
    {
        var paper = new BatchAlgebra(128, 32, 4);
        Assert.Equal("batch_size 128 videos x n_pair 32 clips = 4,096 clips a step, 1,024 a device (4)", paper.Sentence());
        Assert.Null(paper.Slip());
    }

    [Fact]
    public void The_paper_s_clips_written_as_videos_are_recognised()
    {
        var slip = new BatchAlgebra(4096, 32, 4).Slip();
        Assert.NotNull(slip);
        Assert.Contains("131,072 clips", slip);
        Assert.Contains("batch_size 128 videos x n_pair 32", slip);
    }

    [Theory]
    [InlineData(4096, 1)] // no clips a video besides its own: 4096 clips, as in the paper
    [InlineData(128, 32)]
    [InlineData(256, 32)] // twice the paper's: a choice
    public void What_is_meant_is_not_called_a_slip(int videos, int clips) => Assert.Null(new BatchAlgebra(videos, clips, 1).Slip());

    [Fact]
    public void A_batch_far_beyond_the_published_ones_is_named_as_such() => Assert.Contains("16 x", new BatchAlgebra(2048, 32, 4).Slip());

    [Fact]
    public void The_fullest_device_is_told() => Assert.Equal(4, new BatchAlgebra(5, 2, 3).ClipsPerDevice);
}
