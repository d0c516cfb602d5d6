using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;

namespace Mcn.Web.Dashboard.Accounts;

/// <summary>Who may do what. Each role may do what the ones before it may.</summary>
public static class Policies
{
    /// <summary>See.</summary>
    public const string Viewer = "viewer";

    /// <summary>Command runs.</summary>
    public const string Operator = "operator";

    /// <summary>Manage users and keys.</summary>
    public const string Admin = "admin";

    /// <summary>A trainer with an API key; no person.</summary>
    public const string Trainer = "trainer";

    public static readonly IReadOnlyList<string> Roles = [Viewer, Operator, Admin];

    /// <summary>True when a person with these claims may do what the role may.</summary>
    public static bool Allows(this ClaimsPrincipal? person, string role) =>
        person?.Identity?.IsAuthenticated == true && Roles.Skip(Roles.IndexOf(role)).Any(person.IsInRole);

    public static void Add(AuthorizationBuilder authorization)
    {
        foreach (var role in Roles)
            authorization.AddPolicy(role, policy => policy.AddAuthenticationSchemes(CookieAuthenticationDefaults.AuthenticationScheme).RequireRole(Roles.Skip(Roles.IndexOf(role))));
        authorization.AddPolicy(Trainer, policy => policy.AddAuthenticationSchemes(TrainerKeyHandler.Scheme).RequireRole(Trainer));
        // Whatever names no policy needs a person: forgetting one must not open a door.
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder(CookieAuthenticationDefaults.AuthenticationScheme).RequireRole(Roles).Build());
    }

    static int IndexOf(this IReadOnlyList<string> roles, string role) => roles.TakeWhile(one => one != role).Count();
}
