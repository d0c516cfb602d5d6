using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>A shared or golden file or folder; skips the test when it is not there.</summary>
static class SharedFile
{
    public static string Path(string relative)
    {
        var path = SharedData.Find(relative);
        if (path is null) Assert.Skip(SharedData.SkipReason);
        return path;
    }

    /// <summary>A file of the named golden set; the reduced one is always there.</summary>
    public static string Golden(string set, string name)
    {
        var folder = GoldenFolders.Find(set);
        if (folder is null) Assert.Skip(SharedData.SkipReason);
        return System.IO.Path.Combine(folder, name);
    }
}
