namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Bounded waiting for something outside this process.</summary>
static class Wait
{
    public static async Task For(Func<bool> condition, string what)
    {
        for (var began = TimeProvider.System.GetTimestamp(); !condition(); await Task.Delay(5))
            Assert.True(TimeProvider.System.GetElapsedTime(began) < SmallWorker.Patience, $"waited in vain for {what}");
    }
}
