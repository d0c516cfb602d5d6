namespace Mcn.Web.Trainer.Training;

/// <summary>The wishes that reach a training thread from outside; it looks at them once a step. One object, many writers.</summary>
public sealed class RunControl
{
    volatile bool stop;

    /// <summary>Finish the step in hand, save, leave.</summary>
    public bool StopRequested => stop;

    public void RequestStop() => stop = true;
}
