namespace Mcn.Web.Trainer.Host;

public enum CheckState
{
    Ok,

    /// <summary>Training works, but slower, or not for long, or without evidence when it dies.</summary>
    Warning,

    /// <summary>Training as it was asked for does not work.</summary>
    Fail,

    /// <summary>It could not be looked at.</summary>
    Unknown,
}

/// <summary>What one precondition was found to be.</summary>
/// <param name="Id">Kebab-case, stable: programs ask for it.</param>
/// <param name="Remedy">What to type or change; empty only where the state is ok.</param>
sealed record Check(string Id, CheckState State, string Found, string Expected, string Remedy);

/// <summary>A precondition by itself: judgements of it are made here, so that what is not ok never lacks its remedy.</summary>
/// <param name="Expected">What should be found, and what it is for.</param>
readonly record struct Precondition(string Id, string Expected)
{
    public Check Ok(string found) => new(Id, CheckState.Ok, found, Expected, "");

    public Check Warning(string found, string remedy) => new(Id, CheckState.Warning, found, Expected, remedy);

    public Check Fail(string found, string remedy) => new(Id, CheckState.Fail, found, Expected, remedy);

    public Check Unknown(string found, string remedy) => new(Id, CheckState.Unknown, found, Expected, remedy);

    /// <summary>A fail where it was asked for, otherwise a warning.</summary>
    public Check Bad(bool wanted, string found, string remedy) => wanted ? Fail(found, remedy) : Warning(found, remedy);
}
