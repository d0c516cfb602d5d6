using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Shared.Tests.Telemetry;

public sealed class RetrievalHealthTests
{
    static RetrievalRow Row(string direction, double meanRank) =>
        new(direction, 0, 0, 0, meanRank, meanRank, new Dictionary<string, double[]>());

    [Theory]
    [InlineData(500, 250.5, true)]
    [InlineData(500, 231.5, true)] // 3 x sqrt((500^2 - 1) / 6000) = 19.4 below the middle
    [InlineData(500, 230.5, false)]
    [InlineData(500, 300, true)]
    [InlineData(19, 10, false)] // too few to say
    public void A_mean_rank_is_chance_unless_three_standard_deviations_below_the_middle(int n, double meanRank, bool atChance) =>
        Assert.Equal(atChance, RetrievalHealth.IsAtChance(Row("t2a", meanRank), n));

    [Fact]
    public void Dead_audio_is_told_from_a_network_that_has_learnt_nothing()
    {
        RetrievalRow[] dead = [Row("t2v", 20), Row("t2a", 250)];
        RetrievalRow[] untrained = [Row("t2v", 249), Row("t2a", 251)];
        RetrievalRow[] well = [Row("t2v", 20), Row("t2a", 60)];
        Assert.True(RetrievalHealth.AudioIsDead(dead, 500));
        Assert.False(RetrievalHealth.NothingIsLearnt(dead, 500));
        Assert.True(RetrievalHealth.NothingIsLearnt(untrained, 500));
        Assert.False(RetrievalHealth.AudioIsDead(untrained, 500));
        Assert.False(RetrievalHealth.AudioIsDead(well, 500) || RetrievalHealth.NothingIsLearnt(well, 500));
    }

    [Fact]
    public void Only_YouCook2_has_the_papers_row_and_figures_of_other_sets_are_cited()
    {
        Assert.Equal(["paper", "lab", "lab"], PublishedFigures.For(PublishedFigures.YouCook2).Select(row => row.Source));
        Assert.All(PublishedFigures.For(PublishedFigures.MsrVtt), row => Assert.Equal("cited", row.Source));
        Assert.Empty(PublishedFigures.For(PublishedFigures.OtherClips));
        Assert.Empty(PublishedFigures.For(null));
    }
}
