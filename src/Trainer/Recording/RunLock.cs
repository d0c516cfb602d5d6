namespace Mcn.Web.Trainer.Recording;

/// <summary>Whether somebody holds a lock file. The kernel lets go of a lock with its process, however that died.</summary>
public static class RunLock
{
    static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    public static bool IsHeld(string path)
    {
        if (!File.Exists(path)) return false;
        try
        {
            using var probe = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <returns>False: still held after that time.</returns>
    public static async Task<bool> WaitUntilFreeAsync(string path, TimeSpan atMost, TimeProvider time, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        while (IsHeld(path))
        {
            if (time.GetElapsedTime(began) >= atMost) return false;
            await Task.Delay(Between, time, cancel).ConfigureAwait(false);
        }

        return true;
    }
}
